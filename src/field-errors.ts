interface Entry {
  /** The text of `extensions.errors`; `{name}` stands for a parameter. */
  message: string;
  description: string;
}

/**
 * Every field error, by its code. The schema's enum FieldErrorCode and docs/field-errors.md are generated from this
 * file. Codes are part of the API: add new ones, but never rename, reuse or remove one.
 */
export const fieldErrorCatalogue = {
  REQUIRED: { message: "This field is required.", description: "A required field is missing." },
  NULL: { message: "This field may not be null.", description: "The field does not accept null." },
  BLANK: {
    message: "This field may not be blank.",
    description: "The text is empty or consists of white space.",
  },
  STRING_INVALID: { message: "Not a valid string.", description: "The value is not a string." },
  VALUE_INVALID: {
    message: "Not a valid {type}.",
    description: "The value is not of the scalar type `type`, such as Int or ID.",
  },
  CHOICE_INVALID: { message: "Not a valid choice.", description: "The value is not a value of the enum." },
  OBJECT_INVALID: {
    message: "Invalid data. Expected an object.",
    description: "The input is not an object.",
  },
  FIELD_UNKNOWN: {
    message: 'Field "{name}" is not defined.',
    description: "The input has a field that its type does not define.",
  },
  VARIABLE_INVALID: {
    message: "{reason}",
    description: "A variable of a query is missing or has a wrong type; `reason` is the message of GraphQL.",
  },
  TOO_SHORT: {
    message: "Ensure this field has at least {minimum} characters.",
    description: "The text has fewer than `minimum` characters (Unicode code points).",
  },
  TOO_LONG: {
    message: "Ensure this field has no more than {maximum} characters.",
    description: "The text has more than `maximum` characters (Unicode code points).",
  },
  NULL_CHARACTER: {
    message: "Null characters are not allowed.",
    description: "The text contains the character U+0000.",
  },
  SURROGATE_CHARACTER: {
    message: "Surrogate characters are not allowed: {character}.",
    description: "The text contains a lone surrogate, such as U+D800.",
  },
  DATE_INVALID: {
    message: "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.",
    description: "The value is not a calendar day.",
  },
  EMAIL_INVALID: {
    message: "Enter a valid email address.",
    description: "The value is not an email address.",
  },
  EMAIL_TAKEN: {
    message: "user with this email already exists.",
    description: "Another account has this email address.",
  },
  USERNAME_TAKEN: {
    message: "user with this username already exists.",
    description: "Another account has this username.",
  },
  USERNAME_AT_SIGN: {
    message: "Enter a valid username. This value may not contain @.",
    description: "The username contains `@`, which only email addresses do.",
  },
  USERNAME_INVISIBLE: {
    message:
      "Enter a valid username. This value may not contain line breaks, control characters or invisible characters.",
    description: "The username contains a character that is not visible.",
  },
  USERNAME_COMBINING_MARK: {
    message: "Enter a valid username. This value may not begin with a combining mark.",
    description: "The username begins with a mark that would combine with the text before it.",
  },
  PASSWORD_TOO_COMMON: {
    message: "This password is too common.",
    description: "The password is one of the most common ones, or follows a common pattern.",
  },
  PASSWORD_LIKE_EMAIL: {
    message: "The password is too similar to the email address.",
    description: "The password is derived from the email address.",
  },
  PASSWORD_LIKE_USERNAME: {
    message: "The password is too similar to the username.",
    description: "The password is derived from the username.",
  },
  PASSWORD_LIKE_FULL_NAME: {
    message: "The password is too similar to the full name.",
    description: "The password is derived from the full name.",
  },
  PASSWORD_BREACHED: {
    message: "This password has appeared in a data breach.",
    description: "The password is in the database of PWNED_PASSWORDS_URL.",
  },
  CURRENT_PASSWORD_REQUIRED: {
    message: "Enter your current password to change your email or password.",
    description: "The change needs `currentPassword`.",
  },
  CURRENT_PASSWORD_REQUIRED_FOR_USERNAME: {
    message: "Enter your current password to change your username.",
    description: "The change of username needs `currentPassword`.",
  },
  CURRENT_PASSWORD_INCORRECT: {
    message: "The current password is not correct.",
    description: "`currentPassword` is not the password of the account.",
  },
  CREDENTIALS_INVALID: {
    message: "A user with this email and password was not found.",
    description: "The sign-in failed: unknown account or wrong password.",
  },
  USER_DEACTIVATED: {
    message: "This user has been deactivated.",
    description: "The password is correct, but the account is deactivated.",
  },
  EMAIL_AND_USERNAME: {
    message: "Give either email or username, not both.",
    description: "A sign-in takes one of email and username.",
  },
  VALUE_TOO_SMALL: {
    message: "Ensure this value is greater than or equal to {minimum}.",
    description: "The number is less than `minimum`.",
  },
  VALUE_TOO_LARGE: {
    message: "Ensure this value is less than or equal to {maximum}.",
    description: "The number is greater than `maximum`.",
  },
  CURSOR_INVALID: { message: "Invalid cursor", description: "The value is not a cursor of this list." },
  PAGE_LIMIT_EXCEEDED: {
    message: "Ask for less at once: {maximum} {items} at most.",
    description: "The pages of one request exceed `maximum` items.",
  },
  REFERENCE_INVALID: {
    message: "Not a reference to an entity of this service.",
    description: "A federation reference does not name an entity of this subgraph.",
  },
  REFERENCE_ID_INVALID: {
    message: "A reference to a User needs its id, which is a string.",
    description: "A federation reference to a User has no string `id`.",
  },
  REFERENCE_LIMIT_EXCEEDED: {
    message: "Ask for less at once: {maximum} references at most.",
    description: "The list has more than `maximum` federation references.",
  },
  REFERENCE_COST_EXCEEDED: {
    message:
      "Ask for less at once: references times fields may be {maximum} at most. A field that only the user can read counts as {weight}.",
    description: "The federation references of one request, times the fields they ask for, exceed `maximum`.",
  },
} as const satisfies Record<string, Entry>;

export type FieldErrorCode = keyof typeof fieldErrorCatalogue;

/** The parameters of a message; unknown where it has none. A message must be one literal, not a sum of them. */
type Placeholders<Message extends string> = string extends Message
  ? never
  : Message extends `${string}{${infer Name}}${infer Rest}`
    ? { [Key in Name]: string | number } & Placeholders<Rest>
    : unknown;

type ParametersOf<Code extends FieldErrorCode> = Placeholders<(typeof fieldErrorCatalogue)[Code]["message"]>;

/** One thing that is wrong with one field. Only `of` makes one, so that none goes without a code. */
export class FieldError {
  readonly code: FieldErrorCode;
  readonly parameters: Readonly<Record<string, string | number>>;
  private readonly template: string;

  private constructor(code: FieldErrorCode, parameters: FieldError["parameters"]) {
    this.code = code;
    this.parameters = parameters;
    this.template = fieldErrorCatalogue[code].message;
  }

  get message(): string {
    return this.template.replaceAll(/\{(\w+)\}/g, (_all, name: string) => String(this.parameters[name]));
  }

  /**
   * @param parameters the values of the placeholders in the message, where it has any
   * @example FieldError.of("TOO_SHORT", { minimum: 8 })
   */
  static of<Code extends FieldErrorCode>(
    code: Code,
    ...[parameters]: unknown extends ParametersOf<Code> ? [] : [ParametersOf<Code>]
  ): FieldError {
    return new FieldError(code, parameters ?? {});
  }
}
