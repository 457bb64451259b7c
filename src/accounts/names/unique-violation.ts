/** Whether the database refused a name that another account has, or gave up of late (PostgreSQL's manual, Appendix A). */
export function isUniqueViolation(error: unknown): boolean {
  return Object(error).code === "23505";
}
