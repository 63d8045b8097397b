/** Who is at the other end: headers count only from proxies that the operator named. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ProxyTrust } from "./client-address.ts";

describe("client address", () => {
  test("without trusted proxies the peer counts, whatever the header says", () => {
    const trust = new ProxyTrust([]);
    assert.equal(trust.addressOf("203.0.113.9", undefined), "203.0.113.9");
    assert.equal(trust.addressOf("203.0.113.9", "1.2.3.4"), "203.0.113.9");
    assert.equal(trust.addressOf("::ffff:127.0.0.1", undefined), "127.0.0.1");
    assert.equal(trust.addressOf("2001:db8::1", "1.2.3.4"), "2001:db8::1");
    assert.equal(trust.addressOf("", "1.2.3.4"), "");
  });

  test("from a trusted proxy the last address that is no such proxy counts", () => {
    const trust = new ProxyTrust(["10.0.0.0/8", "::1", "192.168.1.1"]);
    assert.equal(trust.addressOf("10.1.2.3", "203.0.113.9"), "203.0.113.9");
    assert.equal(trust.addressOf("::ffff:10.1.2.3", "203.0.113.9"), "203.0.113.9");
    assert.equal(trust.addressOf("10.1.2.3", "203.0.113.9, 10.9.9.9, 192.168.1.1"), "203.0.113.9");
    assert.equal(trust.addressOf("10.1.2.3", "6.6.6.6, 203.0.113.9"), "203.0.113.9", "what the client itself wrote is not believed");
    assert.equal(trust.addressOf("::1", "2001:db8::7"), "2001:db8::7");
    assert.equal(trust.addressOf("::1", "::ffff:203.0.113.9"), "203.0.113.9");
    assert.equal(trust.addressOf("192.168.1.2", "203.0.113.9"), "192.168.1.2", "a neighbour of a trusted proxy is a stranger");
  });

  test("a chain of proxies alone, and nonsense, end at the last that is known", () => {
    const trust = new ProxyTrust(["10.0.0.0/8"]);
    assert.equal(trust.addressOf("10.1.2.3", undefined), "10.1.2.3");
    assert.equal(trust.addressOf("10.1.2.3", ""), "10.1.2.3");
    assert.equal(trust.addressOf("10.1.2.3", "10.0.0.1"), "10.0.0.1");
    assert.equal(trust.addressOf("10.1.2.3", "203.0.113.9, unknown"), "10.1.2.3");
    assert.equal(trust.addressOf("10.1.2.3", "203.0.113.9:1234"), "10.1.2.3");
    assert.equal(trust.addressOf("10.1.2.3", '"; DROP TABLE'), "10.1.2.3");
  });

  test("what is no address or range is refused when the server is made", () => {
    for (const proxies of [["10.0.0.0/8"], ["::/0"], ["127.0.0.1"], ["fd00::/8"], ["0.0.0.0/0"]])
      assert.ok(new ProxyTrust(proxies) instanceof ProxyTrust, proxies[0]);
    for (const proxy of ["", "localhost", "10.0.0.0/33", "::1/129", "10.0.0.0/-1", "10.0.0.0/x", "10.0.0.0/8.5", "10.0.0/8"])
      assert.throws(() => new ProxyTrust([proxy]), TypeError, proxy);
  });
});
