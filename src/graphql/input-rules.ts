import { Extensions } from "type-graphql";
import type { FieldErrors } from "../errors.ts";
import type { FieldError } from "../field-errors.ts";
import type { TextRule } from "../security/text-rules.ts";
import type { Context } from "./context.ts";

/** What a check of a whole input may ask. */
export type CheckScope = Pick<Context, "caller" | "service" | "client">;

/** What a text field takes beyond its GraphQL type. */
export interface TextRules {
  /** Each says what is wrong with the text, or nothing; all are asked, in order. */
  rules: readonly TextRule[];
  /** The message for a value that is no text; "Not a valid string." unless told otherwise. */
  wrongType?: FieldError;
  /** False: null is refused although the field may be left out. */
  nullable?: false;
  /** The field is required when that other one is left out as well. */
  requiredWithout?: string;
  /** True: kept as typed, without trimming (passwords). */
  verbatim?: true;
}

/** Rules of one text field of an input type. */
export const Text = (rules: TextRules) => Extensions({ text: rules });

/**
 * A check of a whole input that needs a database, a setting or the caller. It gets every field that is of the right type
 * and not blank, even when another rule refuses it. `faults` has what the checks before it refuse.
 */
export type WholeInputCheck<TInput> = (
  input: Partial<TInput>,
  scope: CheckScope,
  faults: FieldErrors,
) => FieldErrors | Promise<FieldErrors>;

/**
 * @param check its messages come first in a field's list, before those of the field's own rules
 * @param lastCheck its messages come last, although it runs first
 */
export const CheckedAsWhole = <TInput>(check: WholeInputCheck<TInput>, lastCheck?: WholeInputCheck<TInput>) =>
  Extensions({ check, lastCheck });
