import { noRawSql } from "./no-raw-sql.ts";
import { safeRegex } from "./safe-regex.ts";

/** Our own rules, for `jsPlugins` of .oxlintrc.json. */
export default { meta: { name: "gatehouse" }, rules: { "no-raw-sql": noRawSql, "safe-regex": safeRegex } };
