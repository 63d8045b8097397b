/** What is given with a tap, and who is shown it (T16, T18). */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { InteractionCreated } from "@suda/protocol";
import { card, eventAt, form, offering, postback } from "./offering.ts";

describe("values", () => {
  const datetime = (more: object = {}): object => ({
    type: "datetime",
    id: "when",
    label: "When?",
    mode: "date",
    min: "2026-03-01",
    max: "2026-03-31",
    ...more,
  });
  const request = (kind: string): object => ({ type: "request", id: kind, label: kind, kind });

  test("[T16] each kind takes its value and refuses another with the path of what is wrong", async () => {
    await using world = await offering();
    const { bob, id, offer, tap, suda } = world;
    const people = await offer(card(datetime({ data: "d" }), request("location"), request("contact"), request("email")));
    const others = await offer(card(request("camera"), request("photo"), postback("back"), { type: "handoff", id: "human", label: "Human", queue: "math" }));
    const links = await offer(
      card(
        { type: "uri", id: "uri", label: "Open", uri: "https://a.example/" },
        { type: "call", id: "call", label: "Call", phone: "+82 2 1234" },
        { type: "copy", id: "copy", label: "Copy", text: "x" },
        { type: "share", id: "share", label: "Share" },
      ),
    );
    const asked = await offer(form());
    const none = undefined;
    const cases: readonly (readonly [
      target: number,
      action: string,
      takes: readonly unknown[],
      refuses: readonly (readonly [value: unknown, path: string])[],
    ])[] = [
      [
        people,
        "when",
        ["2026-03-01", "2026-03-31"],
        ([none, "2026-02-28", "2026-04-01", "2026-03-32", "09:30", "2026-03-01T09:30", {}] as const).map((value) => [value, "/value"] as const),
      ],
      [
        people,
        "location",
        [{ latitude: 90, longitude: -180 }],
        [
          [none, "/value"],
          ["37,126", "/value"],
          [{ latitude: 90.1, longitude: 0 }, "/value/latitude"],
          [{ latitude: 0, longitude: 180.1 }, "/value/longitude"],
          [{ latitude: 0, longitude: "0" }, "/value/longitude"],
          [{ latitude: 0, longitude: 0, accuracy: 5 }, "/value"],
        ],
      ],
      [
        people,
        "contact",
        [
          { name: "밥", phone: "+82 10-1234-5678" },
          { name: "x".repeat(80), email: "b@c.kr" },
        ],
        [
          [none, "/value"],
          [{ name: "밥" }, "/value"],
          [{ phone: "010" }, "/value/name"],
          [{ name: "x".repeat(81), phone: "010" }, "/value/name"],
          [{ name: "밥", phone: "call me" }, "/value/phone"],
          [{ name: "밥", email: "b" }, "/value/email"],
          [{ name: "밥", phone: "010", age: 3 }, "/value"],
        ],
      ],
      [
        people,
        "email",
        ["b@c.kr"],
        [
          [none, "/value"],
          ["b", "/value"],
          [{ email: "b@c.kr" }, "/value"],
        ],
      ],
      ...(["camera", "photo", "back", "human"] as const).map((action) => [others, action, [none], [["x", "/value"]]] as const),
      ...(["uri", "call", "copy", "share"] as const).map((action) => [links, action, [none], [[{ a: 1 }, "/value"]]] as const),
      [
        asked,
        "submit",
        [{ name: "밥" }, { name: "밥".repeat(5), mail: "b@c.kr" }],
        [
          [none, "/value"],
          ["밥", "/value"],
          [{}, "/value/name"],
          [{ name: "밥".repeat(6) }, "/value/name"],
          [{ name: "밥", mail: "b" }, "/value/mail"],
          [{ name: "밥", age: "3" }, "/value/age"],
        ],
      ],
    ];
    for (const [target, action, takes, refuses] of cases) {
      for (const [value, path] of refuses) {
        const refused = await tap(bob, target, action, value === undefined ? {} : { value });
        assert.deepEqual([refused.code, refused.path], ["frame.invalid", path], `${action} ${JSON.stringify(value)}`);
      }
      for (const value of takes) {
        const taken = await tap(bob, target, action, value === undefined ? {} : { value });
        assert.equal(taken.code, "ok", `${action} ${JSON.stringify(value)}`);
        assert.deepEqual(((await eventAt(bob, id, taken.seq)) as InteractionCreated).value, value);
      }
    }
    assert.equal(await suda.failures(), 0);
  });

  test("[T16] a value is at most 1,000 characters of text, or 32 KiB of JSON", async () => {
    await using world = await offering();
    const { bob, offer, tap } = world;
    const fields = Array.from({ length: 10 }, (_, index) => ({ id: `f${index}`, kind: "textarea", label: "x" }));
    const target = await offer(form({ fields }));
    const filled = (bytes: number): object => {
      const value: Record<string, string> = {};
      for (let index = 0; JSON.stringify(value).length < bytes; index++) {
        value[`f${index}`] = "";
        value[`f${index}`] = "x".repeat(Math.min(5_000, bytes - JSON.stringify(value).length));
      }
      return value;
    };
    assert.equal((await tap(bob, target, "submit", { value: filled(32_768) })).code, "ok");
    for (const value of [filled(32_769), "x".repeat(1_001), 5, null, [], true]) {
      const refused = await tap(bob, target, "submit", { value });
      assert.deepEqual([refused.code, refused.path], ["frame.invalid", "/value"], JSON.stringify(value).slice(0, 20));
    }
    // At the bound it is read, and is no form.
    assert.equal((await tap(bob, target, "submit", { value: "x".repeat(1_000) })).path, "/value");
  });

  test("[T16] a value that does not fit does not hide what became of the tap before", async () => {
    await using world = await offering();
    const { bob, offer, tap } = world;
    const target = await offer(form({ once: true }));
    const first = await tap(bob, target, "submit", { value: { name: "밥" }, clientId: "f" });
    assert.equal((await tap(bob, target, "submit", { value: {}, clientId: "f" })).code, "send.conflict");
    assert.deepEqual((await tap(bob, target, "submit", { value: {} })).seq, first.seq);
  });

  test("[T18] what is given with a tap is for who taps and who asked; the others see the tap without it, live and read", async () => {
    await using world = await offering();
    const { suda, tutor, bob, carol, id, offer, tap } = world;
    await using bobToo = await suda.connect("bob");
    const target = await offer(form());
    const { seq } = await tap(bob, target, "submit", { value: { name: "비밀" } });
    for (const [connection, user] of [
      [tutor, "tutor"],
      [bob, "bob"],
      [bobToo, "bob"],
      [carol, "carol"],
    ] as const) {
      const value = user === "carol" ? undefined : { name: "비밀" };
      const live = await connection.event("interaction.created");
      assert.deepEqual(live.value, value, `${user} live`);
      assert.deepEqual(await eventAt(connection, id, seq), live);
      const { conversation } = await connection.request({ type: "conversation.get", conversation: id });
      assert.deepEqual(conversation.last, live);
      await using again = await suda.connectSilently();
      const { resumed } = await again.request({
        type: "hello",
        token: suda.token(user),
        resume: { change: 0, cursors: { [id]: { seq: target, epoch: conversation.epoch } } },
      });
      assert.deepEqual(resumed?.[0]?.events, [live]);
      const read = await suda.as(user).get(`/v1/conversations/${id}/history?after=${target}`);
      assert.deepEqual((read.body as { events: unknown[] }).events, [live]);
    }
    const backend = await suda.backend().get(`/v1/conversations/${id}/history`);
    assert.doesNotMatch(JSON.stringify(backend.body), /비밀/, "in nobody's name");
  });
});
