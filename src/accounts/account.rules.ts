import { FieldError } from "../field-errors.ts";
import type { TextRules } from "../graphql/input-rules.ts";
import { normalForm } from "./stored-password.ts";
import { emailFormat, maxLength, minLength, noLoneSurrogates, noNul } from "../security/text-rules.ts";

const shortestPassword = minLength(8);

/** UTF-16 units of 128 characters: longer passwords are refused for that, and take long to normalize. */
const longestPassword = 256;

/** In the form that is hashed, too: letters with their accents apart are no longer for that. */
function longEnough(password: string): FieldError | undefined {
  const fault = shortestPassword(password);
  return fault ?? (password.length > longestPassword ? undefined : shortestPassword(normalForm(password)));
}

// The order of the rules is the order of the messages, as the reference services have it.

export const emailText: TextRules = {
  rules: [maxLength(254), noNul, noLoneSurrogates, emailFormat],
  wrongType: FieldError.of("EMAIL_INVALID"),
};

export const usernameText: TextRules = { rules: [maxLength(255), noNul, noLoneSurrogates] };

export const newPasswordText: TextRules = {
  rules: [maxLength(128), longEnough, noNul, noLoneSurrogates],
  verbatim: true,
};

export const knownPasswordText: TextRules = {
  rules: [maxLength(128), noNul, noLoneSurrogates],
  verbatim: true,
};

export const bioText: TextRules = { rules: [noNul, noLoneSurrogates] };

export const fullNameText: TextRules = { rules: [maxLength(20_000), noNul, noLoneSurrogates] };
