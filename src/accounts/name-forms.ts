/** The form in which names are the same, in SQL: written as the unique indexes are, so that they serve. */
export const nameForm = {
  email: (name: string) => `lower(${name})`,
  username: (name: string) => `lower(normalize(${name}, NFKC))`,
};

/** Whether two are the same name. */
export const isSameName = {
  email: (one: string, other: string) => `${nameForm.email(one)} = ${nameForm.email(other)}`,
  username: (one: string, other: string) => `${nameForm.username(one)} = ${nameForm.username(other)}`,
};
