import { expect, it } from "@jest/globals";
import { addressBlock } from "../../src/security/address-block.ts";

it.each([
  ["203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
  ["2001:db8::ffff", "2001:db8:0:0::/64"],
  ["2001:db8:1::2:3:4:5", "2001:db8:1:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["64:ff9b::192.0.2.33", "64:ff9b:0:0::/64"],
  ["::ffff:192.0.2.33", "192.0.2.33"],
  ["::FFFF:c000:221", "192.0.2.33"],
  ["", ""],
  ["no address", "no address"],
])("%s counts as %s", (address, block) => expect(addressBlock(address)).toBe(block));
