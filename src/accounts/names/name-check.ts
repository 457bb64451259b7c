import type { FieldErrors } from "../../errors.ts";
import type { Client } from "../../graphql/context.ts";
import type { Caller } from "../../sessions/caller.ts";
import type { Throttle } from "../../throttling/throttle.service.ts";
import type { Names } from "./name-keys.ts";
import { asksForName } from "./taken-names.ts";
import type { TakenNames } from "./taken-names.ts";

/** A form with names in it, and how the rest of it is checked. */
interface Form {
  names: Names;
  client: Client;
  /** The faults that its fields have by themselves. */
  faults: FieldErrors;
  checkRest: () => Promise<FieldErrors>;
}

/** Tells which names are taken, and counts by address who makes accounts or is told so. */
export class NameCheck {
  private readonly takenNames: TakenNames;
  private readonly throttle: Throttle;

  constructor(takenNames: TakenNames, throttle: Throttle) {
    this.takenNames = takenNames;
    this.throttle = throttle;
  }

  /** Counts unless the form fails by its own faults alone. */
  async registration(form: Form): Promise<FieldErrors> {
    return this.counted(form, () => this.takenNames.toldBeforehand(form.names), true);
  }

  /** Counts if a name is taken, and where that is a secret, if it may turn out so when it is written. */
  async change(form: Form, caller: Caller): Promise<FieldErrors> {
    const findTaken = () => this.takenNames.toldBeforehand(form.names, caller);
    if (asksForName(form.names, caller)) return this.counted(form, findTaken, this.takenNames.isSecret);
    return { ...(await findTaken()), ...(await form.checkRest()) };
  }

  private async counted(
    { client, faults, checkRest }: Form,
    findTaken: () => Promise<FieldErrors>,
    countsWithoutFaults: boolean,
  ): Promise<FieldErrors> {
    const { taken, charges } = await this.throttle.registration(client.ip, findTaken);
    const rest = await checkRest();
    const isFaulty = [faults, rest].some((errors) => Object.keys(errors).length > 0);
    if (Object.keys(taken).length === 0 && (isFaulty || !countsWithoutFaults))
      await this.throttle.forgoRegistration(client.ip, charges);
    return { ...taken, ...rest };
  }
}
