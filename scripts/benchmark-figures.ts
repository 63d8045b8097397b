/** The figures of the README, from the files that `npm run bench` leaves in bench/results. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { table } from "./schema-tables.ts";

export interface Origin {
  readonly measuredAt: string;
  readonly commit: string;
  readonly machine: { readonly cpu?: string; readonly cores: number; readonly node: string };
}

export interface FanoutResult extends Origin {
  readonly load: { readonly members: number; readonly messages: number; readonly textBytes: number };
  readonly targets: Readonly<Record<string, { readonly cpuUsPerDelivery: number; readonly deliveriesPerSecond: number }>>;
}

export interface SendResult extends Origin {
  readonly result: readonly {
    readonly senders: number;
    readonly sendsPerSecond: number;
    readonly replyMs: { readonly p50: number; readonly p99: number };
    readonly deliveryMs: { readonly p50: number; readonly p99: number };
  }[];
}

const words = {
  en: {
    none: (bench: string) => `Not measured yet: \`npm run bench -- ${bench}\`.`,
    send: "Durable sends on the embedded store, the load generator on the same machine (`npm run bench -- send`):",
    sendHead: ["senders", "durable sends a second", "send → reply, p50 / p99 ms", "send → other side, p50 / p99 ms"],
    fanout: (members: string, messages: string) =>
      `One group of ${members} members, bursts of ${messages} messages; server CPU by the operating system (\`npm run bench -- fanout\`):`,
    fanoutHead: ["server", "CPU µs per delivery", "deliveries a second"],
    names: { suda: "**Suda**, JSON", "suda-msgpack": "**Suda**, MessagePack", ws: "bare `ws`, one send per client", "socket.io": "Socket.IO rooms" },
  },
  ko: {
    none: (bench: string) => `아직 측정하지 않았습니다: \`npm run bench -- ${bench}\`.`,
    send: "내장 저장소에 안전하게 저장된 전송, 부하 생성기도 같은 장비에서 실행 (`npm run bench -- send`):",
    sendHead: ["보내는 사람", "초당 저장된 전송", "전송 → 응답, p50 / p99 ms", "전송 → 상대방, p50 / p99 ms"],
    fanout: (members: string, messages: string) =>
      `멤버 ${members}명인 그룹 하나에 메시지 ${messages}개씩, 서버 CPU는 운영체제가 잰 값 (\`npm run bench -- fanout\`):`,
    fanoutHead: ["서버", "전달 한 건당 CPU µs", "초당 전달"],
    names: { suda: "**Suda**, JSON", "suda-msgpack": "**Suda**, MessagePack", ws: "`ws`만 사용, 클라이언트마다 전송", "socket.io": "Socket.IO 방" },
  },
} as const;

export function benchmarkFigures(language: keyof typeof words): string {
  return [sendFigures(language), fanoutFigures(language)].join("\n\n");
}

function sendFigures(language: keyof typeof words): string {
  const text = words[language];
  const result = readResult("send") as SendResult | undefined;
  if (result === undefined) return text.none("send");
  const rows = result.result.map(({ senders, sendsPerSecond, replyMs, deliveryMs }) => [
    String(senders),
    sendsPerSecond.toLocaleString("en-US"),
    `${replyMs.p50.toFixed(1)} / ${replyMs.p99.toFixed(1)}`,
    `${deliveryMs.p50.toFixed(1)} / ${deliveryMs.p99.toFixed(1)}`,
  ]);
  return [text.send, table(text.sendHead, rows), originOf(result)].join("\n\n");
}

function fanoutFigures(language: keyof typeof words): string {
  const text = words[language];
  const result = readResult("fanout") as FanoutResult | undefined;
  if (result === undefined) return text.none("fanout");
  const { members, messages } = result.load;
  const names: Readonly<Record<string, string>> = text.names;
  const rows = Object.entries(result.targets).map(([target, { cpuUsPerDelivery, deliveriesPerSecond }]) => [
    names[target] ?? target,
    cpuUsPerDelivery.toFixed(2),
    deliveriesPerSecond.toLocaleString("en-US"),
  ]);
  return [text.fanout(members.toLocaleString("en-US"), messages.toLocaleString("en-US")), table(text.fanoutHead, rows), originOf(result)].join("\n\n");
}

export function originOf({ machine, commit, measuredAt }: Origin): string {
  return `<sub>${machine.cpu ?? "?"} × ${machine.cores} · Node ${machine.node} · ${measuredAt.slice(0, 10)} · ${commit}</sub>`;
}

export function readResult(name: string): unknown {
  const file = fileURLToPath(new URL(`../bench/results/${name}.json`, import.meta.url));
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as unknown) : undefined;
}
