/**
 * URLs that must not lead to a connection, made systematically: each forbidden address in every spelling, tunnel and
 * disguise, and behind names. The control runs the same list through a client without a check, and connects.
 */

export interface ForbiddenUrl {
  readonly url: string;
  /** What the name's look-up gives; nothing where the URL holds an address. */
  readonly addresses: readonly string[];
}

/** One or two of each range that is not public. */
const addresses4 = [
  "0.0.0.0",
  "10.0.0.1",
  "100.64.0.1",
  "100.100.100.200",
  "127.0.0.1",
  "127.255.255.254",
  "168.63.129.16",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.254",
  "192.0.0.192",
  "192.168.1.1",
  "198.18.0.1",
  "203.0.113.9",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
];

const addresses6 = [
  "::",
  "::1",
  "100::1",
  "2001:2::1",
  "2001:10::1",
  "2001:20::1",
  "2001:db8::1",
  "3fff::1",
  "4000::1",
  "5f00::1",
  "fc00::1",
  "fd00:ec2::254",
  "fd20:ce::254",
  "fe80::1",
  "febf::1",
  "fec0::1",
  "ff02::1",
  "ff0e::1",
];

type Bytes = readonly [number, number, number, number];

const publicAddress = "1.1.1.1";
const hex = (value: number, length = 1): string => value.toString(16).padStart(length, "0");
const wordOf = ([a, b, c, d]: Bytes): number => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
const groupsOf = ([a, b, c, d]: Bytes): string => `${hex(a)}${hex(b, 2)}:${hex(c)}${hex(d, 2)}`;

/** Hosts that are the address, in ways that WHATWG's parser or a resolver understands, or once did. */
const spellings: readonly ((bytes: Bytes, text: string) => string)[] = [
  (_, text) => text,
  (_, text) => `${text}.`,
  (bytes) => `${wordOf(bytes)}`,
  (bytes) => `0x${hex(wordOf(bytes))}`,
  (bytes) => `0X${hex(wordOf(bytes), 8).toUpperCase()}`,
  (bytes) => `0${wordOf(bytes).toString(8)}`,
  (bytes) => bytes.map((byte) => `0x${hex(byte)}`).join("."),
  (bytes) => bytes.map((byte) => `0x${hex(byte, 8)}`).join("."),
  (bytes) => bytes.map((byte) => `0${byte.toString(8)}`).join("."),
  (bytes) => bytes.map((byte) => `0000${byte.toString(8)}`).join("."),
  ([a, b, c, d]) => `${a}.0x${hex(b)}.0${c.toString(8)}.${d}`,
  ([a, b, c, d]) => `${a}.${b}.${(c << 8) | d}`,
  ([a, b, c, d]) => `${a}.${(b << 16) | (c << 8) | d}`,
  ([a, b, c, d]) => `0x${hex(a)}.${(b << 16) | (c << 8) | d}`,
  (_, text) => Array.from(text, (character) => `%${hex(character.charCodeAt(0), 2)}`).join(""),
  (_, text) => Array.from(text, (digit) => (digit === "." ? "。" : String.fromCodePoint(0xff10 + Number(digit)))).join(""),
  (_, text) => Array.from(text, (digit) => (digit === "." ? "." : digit === "0" ? "⓪" : String.fromCodePoint(0x2460 + Number(digit) - 1))).join(""),
  (_, text) => Array.from(text, (digit) => (digit === "." ? "。" : String.fromCodePoint(0x1d7ce + Number(digit)))).join(""),
  (_, text) => text.replace(".", "\u00ad."),
  (_, text) => `example.com@${text}`,
  (_, text) => `example.com:443@${text}`,
  (_, text) => `${publicAddress}%2f@${text}`,
  (_, text) => `@${text}`,
  (_, text) => `example.com\\@${text}`,
  (_, text) => text.replace(".", ".\t"),
  (bytes, text) => `[::ffff:${text}]${bytes[0] === 0 ? "" : ":443"}`,
  (bytes) => `[::ffff:${groupsOf(bytes)}]`,
  (bytes) => `[0:0:0:0:0:FFFF:${groupsOf(bytes)}]`,
  (_, text) => `[::${text}]`,
  (_, text) => `[::ffff:0:${text}]`,
  (_, text) => `[64:ff9b::${text}]`,
  (_, text) => `[64:ff9b:1::${text}]`,
  (bytes) => `[2002:${groupsOf(bytes)}::1]`,
  // Teredo has the client's address with its bits turned.
  ([a, b, c, d]) => `[2001:0:101:101:0:0:${groupsOf([a ^ 255, b ^ 255, c ^ 255, d ^ 255])}]`,
  (_, text) => `[2606:4700::5efe:${text}]`,
  (bytes) => `[2606:4700::200:5efe:${groupsOf(bytes)}]`,
];

/** What a name server may answer, when the address is what it wants to be connected. */
const answers: readonly ((text: string, bytes: Bytes) => readonly string[])[] = [
  (text) => [text],
  (text) => [publicAddress, text],
  (text) => [text, publicAddress],
  (text) => [`::ffff:${text}`],
  (_, bytes) => ["2606:4700::1111", `2002:${groupsOf(bytes)}::1`],
];

export function forbiddenUrls(): readonly ForbiddenUrl[] {
  const urls: ForbiddenUrl[] = [];
  const add = (url: string, addresses: readonly string[] = []): void => void urls.push({ url, addresses });
  let names = 0;
  for (const text of addresses4) {
    const bytes = text.split(".").map(Number) as unknown as Bytes;
    for (const spell of spellings) add(`https://${spell(bytes, text)}/hook`);
    for (const answer of answers) add(`https://name-${names++}.example/hook`, answer(text, bytes));
    add(`http://${text}/`);
    add(`https://${text}:8443/`);
    add(`https://${text}:6379/`);
  }
  for (const text of addresses6) {
    for (const host of [text, text.toUpperCase(), expanded(text)]) add(`https://[${host}]/hook`);
    add(`https://name-${names++}.example/`, [text]);
    add(`https://name-${names++}.example/`, ["2606:4700::1111", text]);
  }
  const loopback = ["127.0.0.1", "::1"];
  for (const name of ["localhost", "LOCALHOST", "localhost.", "bot.localhost", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "loc%61lhost"]) add(`https://${name}/`, loopback);
  for (const name of ["metadata.google.internal", "metadata", "instance-data"]) add(`https://${name}/computeMetadata/v1/`, ["169.254.169.254"]);
  for (const url of ["http://1.1.1.1/", "https://1.1.1.1:25/", "https://0x01010101/", "https://user:password@1.1.1.1/", "https://1.1.1.1./"]) add(url);
  for (const scheme of ["ftp", "ws", "wss", "gopher", "file", "unix", "data", "blob:https"]) add(`${scheme}://127.0.0.1/`);
  return urls;
}

function expanded(text: string): string {
  const [before = "", after = ""] = text.split("::");
  const head = before.split(":").filter((group) => group !== "");
  const tail = after.split(":").filter((group) => group !== "");
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].map((group) => group.padStart(4, "0")).join(":");
}
