/** Whose share something counts against, widest group first: the blocks of an address, then the account. */
export type SharePath = readonly string[];

class Group<Item> {
  /** Items here and in the groups below. */
  count = 0;
  readonly items = new Set<Item>();
  readonly groups = new Map<string, Group<Item>>();
}

/**
 * Counts what callers hold of a bounded resource, by group. Every group may hold all of it while no other needs any: only
 * when the resource is full do shares count, and a group that holds more than a newcomer would must yield.
 */
export class ShareTree<Item> {
  private readonly root = new Group<Item>();

  get size(): number {
    return this.root.count;
  }

  add(path: SharePath, item: Item): void {
    let group = this.root;
    group.count += 1;
    for (const name of path) {
      const next = group.groups.get(name) ?? new Group<Item>();
      group.groups.set(name, next);
      next.count += 1;
      group = next;
    }
    group.items.add(item);
  }

  /** @returns false if the item was not there */
  remove(path: SharePath, item: Item): boolean {
    const groups = this.groupsAlong(path);
    if (!groups[path.length]?.items.delete(item)) return false;
    for (const [depth, group] of groups.entries()) {
      group.count -= 1;
      if (group.count === 0) groups[depth - 1]?.groups.delete(path[depth - 1] ?? "");
    }
    return true;
  }

  /** The items of one path, oldest first. */
  itemsOf(path: SharePath): ReadonlySet<Item> {
    return this.groupsAlong(path)[path.length]?.items ?? new Set();
  }

  /**
   * The items of the largest holder that must yield to a newcomer, oldest first. Undefined when every other holder would
   * have less than the newcomer afterwards.
   */
  findOverShare(path: SharePath): ReadonlySet<Item> | undefined {
    let group = this.root;
    for (const name of path) {
      const largest = largestOf(group);
      const own = group.groups.get(name);
      if (largest !== undefined && largest !== own && largest.count > (own?.count ?? 0) + 1)
        return largestLeaf(largest).items;
      if (own === undefined) return undefined;
      group = own;
    }
    return undefined;
  }

  /** How many of the items are served before one that comes now, if groups take turns. */
  countBefore(path: SharePath): number {
    const groups = this.groupsAlong(path);
    let before = groups[path.length]?.count ?? 0;
    for (const [depth, group] of [...groups.slice(0, path.length).entries()].toReversed()) {
      const own = groups[depth + 1];
      const turns = before + 1;
      for (const other of group.groups.values()) if (other !== own) before += Math.min(other.count, turns);
    }
    return before;
  }

  /** Removes the next item in turn: the oldest of the group that holds least in `held`, or was served longest ago. */
  takeNext(held: ShareTree<unknown>): Item | undefined {
    let group = this.root;
    let heldGroup: Group<unknown> | undefined = held.root;
    const path: string[] = [];
    while (group.groups.size > 0) {
      const name = leastHolding(group, heldGroup);
      const next = group.groups.get(name) as Group<Item>;
      // To the end of the order of turns.
      group.groups.delete(name);
      group.groups.set(name, next);
      path.push(name);
      group = next;
      heldGroup = heldGroup?.groups.get(name);
    }
    const [item] = group.items;
    if (item !== undefined) this.remove(path, item);
    return item;
  }

  /** From the root to the deepest group that exists. */
  private groupsAlong(path: SharePath): Group<Item>[] {
    const groups = [this.root];
    for (const name of path) {
      const next = groups.at(-1)?.groups.get(name);
      if (next === undefined) break;
      groups.push(next);
    }
    return groups;
  }
}

function largestOf<Item>({ groups }: Group<Item>): Group<Item> | undefined {
  let largest: Group<Item> | undefined;
  for (const group of groups.values()) if (group.count > (largest?.count ?? 0)) largest = group;
  return largest;
}

function largestLeaf<Item>(group: Group<Item>): Group<Item> {
  const largest = largestOf(group);
  return largest === undefined ? group : largestLeaf(largest);
}

function leastHolding({ groups }: Group<unknown>, held: Group<unknown> | undefined): string {
  let least = "";
  let leastCount = Infinity;
  for (const name of groups.keys()) {
    const count = held?.groups.get(name)?.count ?? 0;
    if (count < leastCount) [least, leastCount] = [name, count];
  }
  return least;
}
