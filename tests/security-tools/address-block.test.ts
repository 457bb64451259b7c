import { expect, it } from "@jest/globals";
import { addressBlock, addressBlocks } from "../../src/security/address-block.ts";

it.each([
  ["203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:0DB8:0001:0002::", "2001:db8:1:2::/64"],
  ["2001:db8::ffff", "2001:db8:0:0::/64"],
  ["2001:db8:1::2:3:4:5", "2001:db8:1:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["64:ff9b::192.0.2.33", "192.0.2.33"],
  ["2002:c000:221:5::1", "192.0.2.33"],
  ["1.2.3", "1.2.3"],
  ["::ffff:192.0.2.33", "192.0.2.33"],
  ["::FFFF:c000:221", "192.0.2.33"],
  ["", ""],
  ["no address", "no address"],
])("%s counts as %s", (address, block) => expect(addressBlock(address)).toBe(block));

it("the blocks of an address begin with the widest that one client may have", () => {
  expect(addressBlocks("2001:db8:1:2::1")).toEqual(["2001:db8:1::/48", "2001:db8:1:2::/64"]);
  expect(addressBlocks("2001:db8:1:ffff::1")[0]).toBe("2001:db8:1::/48");
  expect(addressBlocks("::ffff:192.0.2.33")).toEqual(["192.0.2.33"]);
});
