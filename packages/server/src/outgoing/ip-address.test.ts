import { deepEqual, equal, ok } from "node:assert/strict";
import { test } from "node:test";
import { forbiddenKindOf, forbiddenRanges, isPublicAddress } from "./forbidden-ranges.ts";
import { isInRange, parseAddress, parseRange } from "./ip-address.ts";

test("every spelling of an address gives the same bytes", () => {
  const bytes = (text: string): string => Buffer.from(parseAddress(text) ?? []).toString("hex");
  equal(bytes("192.0.2.1"), "c0000201");
  for (const text of ["2001:db8::c000:201", "2001:DB8:0:0:0:0:192.0.2.1", "2001:0db8:0000:0000:0000:0000:c000:0201"]) {
    equal(bytes(text), "20010db80000000000000000c0000201", text);
  }
  equal(bytes("::"), "00".repeat(16));
  equal(bytes("::ffff:10.0.0.1"), `${"00".repeat(10)}ffff0a000001`);
  equal(bytes("1::"), `0001${"00".repeat(14)}`);
});

test("what is no address, or one with a zone, has no bytes", () => {
  for (const text of ["", "10.0.0", "10.0.0.256", "010.0.0.1", "0x7f.0.0.1", "localhost", "fe80::1%eth0", "[::1]", ":::", "::1::", " 10.0.0.1", "10.0.0.1\n"]) {
    equal(parseAddress(text), undefined, JSON.stringify(text));
  }
});

test("a range is an address and how many bits of it count; bits beyond them are a typing error", () => {
  ok(parseRange("10.0.0.0/8") !== undefined);
  deepEqual(parseRange("10.1.2.3")?.prefix, 32);
  deepEqual(parseRange("fd00::1")?.prefix, 128);
  ok(parseRange("0.0.0.0/0") !== undefined);
  for (const text of ["10.1.0.0/8", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "10.0.0.0/8a", "fd01::/8"]) {
    equal(parseRange(text), undefined, text);
  }
});

test("the first and the last address of every forbidden range are refused, and their neighbours only by another range", () => {
  for (const { range: text } of forbiddenRanges) {
    const range = parseRange(text);
    ok(range !== undefined, text);
    const bits = BigInt(range.address.length * 8);
    const first = BigInt(`0x${Buffer.from(range.address).toString("hex")}`);
    const size = 1n << (bits - BigInt(range.prefix));
    const toBytes = (value: bigint): Uint8Array => Buffer.from(value.toString(16).padStart(Number(bits) / 4, "0"), "hex");
    for (const inside of [first, first + size - 1n, first + size / 2n]) {
      ok(isInRange(toBytes(inside), range), text);
      ok(forbiddenKindOf(toBytes(inside)) !== undefined, text);
    }
    for (const outside of [first - 1n, first + size]) {
      if (outside < 0n || outside >= 1n << bits) continue;
      ok(!isInRange(toBytes(outside), range), `${text} ends where it ends`);
    }
  }
});

test("public addresses are public, also right beside forbidden ones", () => {
  const beside = [
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "172.15.255.255",
    "172.32.0.0",
  ];
  const more = ["192.0.1.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "1.1.1.1", "8.8.8.8", "168.63.129.15"];
  const six = ["2606:4700:4700::1111", "2001:4860:4860::8888", "2400:cb00::1", "2003::1", "2001:200::1", "2a00:1450::1"];
  for (const text of [...beside, ...more, ...six]) equal(isPublicAddress(text), true, text);
  // Not listed in any table, but outside of 2000::/3; and ISATAP within it.
  for (const text of ["4000::1", "1fff::1", "::2:3", "2606:4700::5efe:10.0.0.1", "2606:4700::200:5efe:a00:1"]) equal(isPublicAddress(text), false, text);
  // Metadata services by name.
  for (const text of ["169.254.169.254", "fd00:ec2::254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd20:ce::254"])
    equal(isPublicAddress(text), false, text);
});
