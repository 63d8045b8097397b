import { equal, throws } from "node:assert/strict";
import { test } from "node:test";
import { AddressPolicy, type AddressPolicyOptions } from "./address-policy.ts";
import { checkUrl } from "./check-url.ts";

const https = { port: 443, isEncrypted: true };

test("without a list only public addresses, https, and two ports", () => {
  const policy = new AddressPolicy();
  const code = (address: string, port = 443, isEncrypted = true): string | undefined => policy.refusalOf({ address, port, isEncrypted })?.code;
  equal(code("1.1.1.1"), undefined);
  equal(code("1.1.1.1", 8443), undefined);
  equal(code("1.1.1.1", 25), "outgoing.refused_port");
  equal(code("1.1.1.1", 443, false), "outgoing.refused_url");
  equal(code("10.0.0.1"), "outgoing.refused_address");
  equal(code("not an address"), "outgoing.refused_address");
});

test("an allowed range opens http and every port, one with a port that port alone", () => {
  const policy = new AddressPolicy({ allow: ["10.1.0.0/16", "10.2.0.1:8080", "[fd00::1]:9000", "fd00:2::/32", "192.168.0.0/24:81"] });
  const code = (address: string, port: number, isEncrypted = false): string | undefined => policy.refusalOf({ address, port, isEncrypted })?.code;
  equal(code("10.1.2.3", 1234), undefined);
  equal(code("10.1.2.3", 443, true), undefined);
  equal(code("10.2.0.1", 8080), undefined);
  equal(code("10.2.0.1", 8081), "outgoing.refused_address");
  equal(code("10.2.0.2", 8080), "outgoing.refused_address");
  equal(code("fd00::1", 9000), undefined);
  equal(code("fd00::1", 9001), "outgoing.refused_address");
  equal(code("fd00:2::5", 80), undefined);
  equal(code("192.168.0.7", 81), undefined);
  // IPv4 in IPv6 is not what was allowed: nothing is unwrapped.
  equal(code("::ffff:10.1.2.3", 1234), "outgoing.refused_address");
  // Others are as without a list.
  equal(code("1.1.1.1", 80), "outgoing.refused_url");
});

test("a refused range is stronger than an allowed one, and than being public", () => {
  const policy = new AddressPolicy({ allow: ["10.0.0.0/8"], refuse: ["10.9.0.0/16", "203.0.114.0/24"] });
  equal(policy.refusalOf({ address: "10.8.0.1", ...https }), undefined);
  equal(policy.refusalOf({ address: "10.9.0.1", ...https })?.code, "outgoing.refused_address");
  equal(policy.refusalOf({ address: "203.0.114.7", ...https })?.code, "outgoing.refused_address");
});

test("a list with what is no address, range or port is a mistake of the configuration and said", () => {
  const wrong: AddressPolicyOptions[] = [
    { allow: ["localhost"] },
    { allow: ["10.1.2.3/8"] },
    { allow: ["10.1.2.3:0"] },
    { allow: ["10.1.2.3:65536"] },
    { allow: ["[fd00::1"] },
    { refuse: ["10.0.0.0/33"] },
    { refuse: ["10.0.0.1:80"] },
    { ports: [0] },
    { ports: [1.5] },
  ];
  for (const options of wrong) throws(() => new AddressPolicy(options), RangeError, JSON.stringify(options));
});

test("a refusal names no address in its message; the operator's log has it in a field", () => {
  const refusal = new AddressPolicy().refusalOf({ address: "10.11.12.13", ...https });
  equal(refusal?.message.includes("10.11"), false);
  equal(refusal?.address, "10.11.12.13");
});

test("a URL is taken or refused by its form", () => {
  const policy = new AddressPolicy();
  const codeOf = (url: string, by = policy): string => {
    try {
      checkUrl(url, by);
      return "taken";
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  for (const url of [
    "https://example.com/a?b=c",
    "https://example.com:8443/",
    "https://한국.kr/훅",
    "HTTPS://Example.COM",
    "https://1.1.1.1/x",
    "https://[2606:4700:4700::1111]/",
  ]) {
    equal(codeOf(url), "taken", url);
  }
  const refused = [
    "",
    "example.com",
    "http://example.com/",
    "ftp://example.com/",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "https:example.com",
    "https:/example.com",
    "https:///example.com",
    "https://user@example.com/",
    "https://user:password@example.com/",
    "https://@example.com/",
    "https://example.com/#fragment",
    "https://example.com./",
    "https://exa mple.com/",
    "https://exa\tmple.com/",
    "https://example.com\\@10.0.0.1/",
    "https://example\u00ad.com/",
    "https://[fe80::1%25eth0]/",
    "https://0x08080808/",
    "https://134744072/",
    "https://8.8.2056/",
    "https://8.8.8.8%00/",
    "https://\ud800.com/",
  ];
  for (const url of refused) equal(codeOf(url), "outgoing.refused_url", JSON.stringify(url));
  for (const url of ["https://example.com:25/", "https://example.com:0/", "https://1.1.1.1:80/"]) equal(codeOf(url), "outgoing.refused_port", url);
  for (const url of ["https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://①②⑦.⓪.⓪.①/"]) equal(codeOf(url), "outgoing.refused_address", url);
  // With an allow-list http and other ports wait for their address.
  const listed = new AddressPolicy({ allow: ["10.0.0.1"] });
  for (const url of ["http://example.com:25/", "http://10.0.0.1:9/"]) equal(codeOf(url, listed), "taken", url);
  equal(codeOf("http://10.0.0.2:9/", listed), "outgoing.refused_address");
});

test("a URL of 2,000 characters is taken, one more is refused, and its secrets are in no message", () => {
  const policy = new AddressPolicy();
  const start = "https://example.com/";
  checkUrl(start + "x".repeat(2_000 - start.length), policy);
  throws(() => checkUrl(start + "x".repeat(2_001 - start.length), policy), { code: "outgoing.refused_url" });
  throws(
    () => checkUrl("https://user:hunter2@example.com/?key=s3cret", policy),
    (error: Error) => !/hunter2|s3cret|example/.test(error.message),
  );
});
