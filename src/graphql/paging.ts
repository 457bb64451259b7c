import { ArgsType, Directive, Field, Int, ObjectType } from "type-graphql";
import { InvalidInput } from "../errors.ts";
import type { FieldErrors } from "../errors.ts";
import { FieldError } from "../field-errors.ts";
import type { Context } from "./context.ts";

// Subgraphs that are composed into one schema share this type of Relay's.
@Directive("@shareable")
@ObjectType({ description: "Where a page lies in its list (Relay).", simpleResolvers: true })
export class PageInfo {
  @Field(() => Boolean, { description: "Whether more follows this page." })
  hasNextPage!: boolean;

  @Field(() => Boolean, { description: "Whether this page begins after another one." })
  hasPreviousPage!: boolean;

  @Field(() => String, {
    nullable: true,
    description: "The cursor of the first edge; null on an empty page.",
  })
  startCursor!: string | null;

  @Field(() => String, { nullable: true, description: "The cursor of the last edge; null on an empty page." })
  endCursor!: string | null;
}

@ArgsType()
export class PageArgs {
  @Field(() => Int, { defaultValue: 20, description: "How many at most: 1 to 100." })
  first!: number;

  @Field(() => String, { nullable: true, description: "The cursor after which the page begins." })
  after?: string | null;
}

/** A page of a list (Relay). */
export interface Connection<TNode> {
  edges: { cursor: string; node: TNode }[];
  pageInfo: PageInfo;
}

const largestPage = 100;

/**
 * What the cursor of a page stands for; undefined on the first page.
 * @param isKey whether something is what cursors of this list stand for
 * @throws InvalidInput with every fault at once
 */
export function checkPage({ first, after }: PageArgs, isKey: (key: string) => boolean): string | undefined {
  const key = after == null ? undefined : keyOf(after);
  const errors: FieldErrors = {};
  if (first < 1) errors["first"] = [FieldError.of("VALUE_TOO_SMALL", { minimum: 1 })];
  if (first > largestPage) errors["first"] = [FieldError.of("VALUE_TOO_LARGE", { maximum: largestPage })];
  if (after != null && (key === undefined || !isKey(key)))
    errors["after"] = [FieldError.of("CURSOR_INVALID")];
  if (Object.keys(errors).length > 0) throw new InvalidInput(errors);
  return key;
}

/** @param rows one more than `first`, where there are so many */
export function connectionOf<TRow extends { id: string }, TNode>(
  rows: readonly TRow[],
  { first, after }: PageArgs,
  nodeOf: (row: TRow) => TNode,
): Connection<TNode> {
  const edges = rows.slice(0, first).map((row) => ({ cursor: cursorOf(row.id), node: nodeOf(row) }));
  return {
    edges,
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: after != null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

function cursorOf(key: string): string {
  return Buffer.from(key).toString("base64url");
}

/** Undefined when it is no cursor of ours. */
function keyOf(cursor: string): string | undefined {
  if (cursor.length > 100) return undefined;
  const key = Buffer.from(cursor, "base64url").toString();
  return cursorOf(key) === cursor ? key : undefined;
}

/** Aliases and references could ask for the same list a thousand times. */
const mostPerRequest = 1_000;

/** A page costs a query, however small it is. */
const leastPerPage = 20;

/** What one request may ask for of a list, all pages together. */
export class PageBudget {
  private readonly items: string;
  private readonly asked = new WeakMap<Context, number>();

  /** @param items what the list is made of */
  constructor(items: string) {
    this.items = items;
  }

  /** @throws InvalidInput when it is used up */
  spend({ first }: PageArgs, context: Context): void {
    const asked = (this.asked.get(context) ?? 0) + Math.max(leastPerPage, first);
    this.asked.set(context, asked);
    if (asked > mostPerRequest)
      throw new InvalidInput({
        first: [FieldError.of("PAGE_LIMIT_EXCEEDED", { maximum: mostPerRequest, items: this.items })],
      });
  }
}
