const form = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;

/** Whether PostgreSQL's uuid type takes it, in the one spelling that we use. */
export function isUuid(value: unknown): value is string {
  return typeof value === "string" && form.test(value);
}
