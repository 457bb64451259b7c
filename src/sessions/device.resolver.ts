import { FieldResolver, Resolver, Root } from "type-graphql";
import { deviceName } from "./device-name.ts";
import { SessionType } from "./session.type.ts";

/** Few devices are many people's; the library tries a hundred patterns on each. */
const mostKept = 1_000;

@Resolver(() => SessionType)
export class DeviceResolver {
  private readonly names = new Map<string | null, string | null>();

  @FieldResolver(() => String, {
    nullable: true,
    description: 'The device in words, as far as it says what it is: "Firefox on macOS".',
  })
  device(@Root() { userAgent }: SessionType): string | null {
    let name = this.names.get(userAgent);
    if (name === undefined) {
      if (this.names.size >= mostKept) this.names.clear();
      this.names.set(userAgent, (name = deviceName(userAgent)));
    }
    return name;
  }
}
