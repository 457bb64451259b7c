import { describe, expect, it } from "@jest/globals";
import { ShareTree } from "../../src/shares/share-tree.ts";
import type { SharePath } from "../../src/shares/share-tree.ts";

/** @param holdings how many items each path has, with slashes between its parts */
function treeOf(holdings: Record<string, number>): ShareTree<string> {
  const tree = new ShareTree<string>();
  for (const [path, count] of Object.entries(holdings))
    for (let index = 1; index <= count; index++) tree.add(pathOf(path), `${path} ${index}`);
  return tree;
}

const order = (tree: ShareTree<string>, held = new ShareTree<unknown>()) =>
  Array.from({ length: tree.size }, () => tree.takeNext(held));

const pathOf = (path: string): SharePath => path.split("/");

describe("who must yield to a newcomer", () => {
  it.each<[string, Record<string, number>, string, string | undefined]>([
    ["the largest of all", { a: 2, b: 5, c: 3 }, "d", "b"],
    ["nobody, while each would then have less", { a: 2, b: 2 }, "c", "a"],
    ["nobody, where all have one", { a: 1, b: 1 }, "c", undefined],
    ["nobody, for who has most", { a: 5, b: 2 }, "a", undefined],
    ["nobody, for who would have as much", { a: 3, b: 2 }, "b", undefined],
    ["the largest account of the same address", { "a/x": 9, "a/y": 2, "b/z": 3 }, "a/w", "a/x"],
    ["the largest account of the largest address", { "a/x": 3, "a/y": 4, "b/z": 5 }, "c/z", "a/y"],
    [
      "a network, even where each of its addresses has little",
      { "n/1": 1, "n/2": 1, "n/3": 1, "m/1": 2 },
      "k/1",
      "n/1",
    ],
    ["nobody, for an account that has most of its address", { "a/x": 4, "b/y": 4 }, "a/x", undefined],
  ])("%s", (_who, holdings, newcomer, expected) => {
    const found = treeOf(holdings).findOverShare(pathOf(newcomer));
    const all = Array.from(
      { length: holdings[expected ?? ""] ?? 0 },
      (_, index) => `${expected} ${index + 1}`,
    );
    expect(found && [...found]).toEqual(expected === undefined ? undefined : all);
  });
});

describe("turns", () => {
  it("go round by address, then by account, oldest first", () => {
    const tree = treeOf({ "a/x": 3, "a/y": 1, "b/z": 2 });
    expect(order(tree)).toEqual(["a/x 1", "b/z 1", "a/y 1", "b/z 2", "a/x 2", "a/x 3"]);
    expect([tree.size, tree.takeNext(tree)]).toEqual([0, undefined]);
  });

  it("come first to who holds least", () => {
    const held = treeOf({ "a/x": 2, "b/y": 1 });
    expect(order(treeOf({ "a/x": 1, "b/y": 1, "c/z": 1 }), held)).toEqual(["c/z 1", "b/y 1", "a/x 1"]);
  });

  it.each<[Record<string, number>, string, number]>([
    [{ a: 7 }, "a", 7],
    [{ a: 7 }, "b", 1],
    [{ a: 7, b: 2, c: 1 }, "b", 2 + 3 + 1],
    [{ "a/x": 7, "b/z": 3 }, "a/y", 1 + 2],
  ])("of %j: %s has %d before it", (holdings, path, expected) => {
    expect(treeOf(holdings).countBefore(pathOf(path))).toBe(expected);
  });
});

it("nothing is kept of who has nothing", () => {
  const tree = treeOf({ "a/x": 2, "b/y": 1 });
  for (const item of ["a/x 1", "a/x 2"]) expect(tree.remove(["a", "x"], item)).toBe(true);
  expect(tree.remove(["a", "x"], "a/x 1")).toBe(false);
  expect(tree.remove(["b", "z"], "b/y 1")).toBe(false);
  expect([tree.size, tree.countBefore(["c"])]).toEqual([1, 1]);
  expect([...tree["root"].groups.keys()]).toEqual(["b"]);
});
