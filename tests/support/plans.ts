/** A node of a plan, as EXPLAIN (FORMAT JSON) has it. */
interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Cond"?: string;
  Plans?: PlanNode[];
}

/** How a statement was executed. */
export interface Plan {
  statement: string;
  root: PlanNode;
}

/**
 * SQL for a superuser: from now on, PostgreSQL tells whoever connects to the database how it executes each statement,
 * those within functions and triggers too, by a notice each.
 * @param database a name of letters, digits and underscores
 */
export function tellPlans(database: string): string {
  const settings = {
    session_preload_libraries: "auto_explain",
    "auto_explain.log_min_duration": "0",
    "auto_explain.log_nested_statements": "on",
    "auto_explain.log_format": "json",
    "auto_explain.log_level": "notice",
  };
  return Object.entries(settings)
    .map(([name, value]) => `alter database ${database} set ${name} = '${value}';`)
    .join("\n");
}

/** The plans among what PostgreSQL said. */
export function plansOf(notices: readonly string[]): Plan[] {
  return notices.flatMap((notice) => {
    const start = notice.indexOf("plan:\n");
    if (start < 0) return [];
    const told = JSON.parse(notice.slice(start + "plan:\n".length)) as {
      "Query Text": string;
      Plan: PlanNode;
    };
    return [{ statement: told["Query Text"], root: told.Plan }];
  });
}

/** The tables that a plan reads from one end to the other: as they lie, or by an index in whose order they are wanted. */
export function tablesReadThrough({ root }: Pick<Plan, "root">): string[] {
  const below = (root.Plans ?? []).flatMap((child) => tablesReadThrough({ root: child }));
  const { "Node Type": kind, "Relation Name": table, "Index Cond": condition } = root;
  const isReadThrough = kind === "Seq Scan" || (/^Index (Only )?Scan/.test(kind) && condition === undefined);
  return isReadThrough && table !== undefined ? [table, ...below] : below;
}
