import { FieldError } from "../field-errors.ts";
import type { TextRules } from "../graphql/input-rules.ts";
import { emailFormat, maxLength, minLength, noLoneSurrogates, noNul } from "../security/text-rules.ts";

// The order of the rules is the order of the messages, as the reference services have it.

export const emailText: TextRules = {
  rules: [maxLength(254), noNul, noLoneSurrogates, emailFormat],
  wrongType: FieldError.of("EMAIL_INVALID"),
};

export const usernameText: TextRules = { rules: [maxLength(255), noNul, noLoneSurrogates] };

export const newPasswordText: TextRules = {
  rules: [maxLength(128), minLength(8), noNul, noLoneSurrogates],
  verbatim: true,
};

export const knownPasswordText: TextRules = {
  rules: [maxLength(128), noNul, noLoneSurrogates],
  verbatim: true,
};

export const bioText: TextRules = { rules: [noNul, noLoneSurrogates] };

export const fullNameText: TextRules = { rules: [maxLength(20_000), noNul, noLoneSurrogates] };
