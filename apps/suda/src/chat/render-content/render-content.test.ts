/** Every type of message as a terminal shows it: the golden ones, in both languages. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContentType, UserId } from "@suda/protocol";
import { goldenMessage, goldenMessages } from "@suda/testing";
import { textWidth } from "../cell-width.ts";
import { messagesFor } from "../messages.ts";
import { transcriptRows } from "../transcript.ts";
import type { ShownMessage } from "../transcript-items.ts";

interface Shown {
  readonly changes?: Partial<ShownMessage>;
  readonly width?: number;
  readonly isNewest?: boolean;
}

/** Without the line of the day; the sender and the time are cut off. */
function shown(type: ContentType, locale: "ko" | "en", { changes = {}, width = 120, isNewest = true }: Shown = {}): string[] {
  const message = { at: 0, from: "bot" as UserId, isMine: false, state: "sent", seq: 1, ...goldenMessage(type, locale), ...changes } as const;
  const rows = transcriptRows({
    items: [{ kind: "message", message, isNewest }],
    unreadAfter: undefined,
    isFromBeginning: false,
    width,
    me: undefined,
    nameOf: (user) => user,
    messages: messagesFor(locale),
  });
  return rows.slice(1).map((row) =>
    row
      .map(({ text }) => text)
      .join("")
      .replace(/^(?:오전|오후) \d+:\d\d |^\d+:\d\d [AP]M /, "")
      .trim(),
  );
}

/** A row that must stand there for each type, in Korean and in English. */
const expected: Readonly<Record<ContentType, readonly [ko: readonly string[], en: readonly string[]]>> = {
  text: [
    ["수학 튜터 (bot): @지민 3번 문제, 다시 볼까요?", "[1] 힌트 더 보기  [2] 선생님께 질문"],
    ["Math tutor (bot): @jimin Shall we look at problem 3 again?", "[1] More hints  [2] Ask a teacher"],
  ],
  image: [
    ["bot: [사진 1/2 3번 문제 · 이차함수 그래프와 직선 https://cdn.example.com/problems/3.jpg]"],
    ["bot: [image 1/2 Problem 3 · A parabola and a line https://cdn.example.com/problems/3.jpg]"],
  ],
  video: [["bot: [동영상 3:04 7강 요약 https://cdn.example.com/lessons/7.mp4]"], ["bot: [video 3:04 Lesson 7 in short https://cdn.example.com/lessons/7.mp4]"]],
  audio: [["bot: [음성 0:03 https://cdn.example.com/notes/말하기.m4a]"], ["bot: [audio 0:03 https://cdn.example.com/notes/speaking.m4a]"]],
  file: [
    ["bot: [파일 학습 계획.pdf · 47 KB https://cdn.example.com/files/plan.pdf]"],
    ["bot: [file study plan.pdf · 47 KB https://cdn.example.com/files/plan.pdf]"],
  ],
  location: [
    ["bot: [위치 경복궁 · 서울특별시 종로구 사직로 161 · 37.5796, 126.977]"],
    ["bot: [location Gyeongbokgung · 161 Sajik-ro, Jongno-gu, Seoul · 37.5796, 126.977]"],
  ],
  bytes: [["bot: [데이터 점.png · image/png · 70 B]"], ["bot: [data dot.png · image/png · 70 B]"]],
  sticker: [["bot: [스티커 손뼉 치는 고양이]"], ["bot: [sticker A cat that claps]"]],
  card: [
    ["이차방정식 풀이", "3. x = 2 또는 x = −3", "[1] 왜 그런가요?  [2] 풀이 복사  [3] 강의 보기  [4] 사진 보내기"],
    ["Solving a quadratic", "3. x = 2 or x = −3", "[1] Why is that?  [2] Copy  [3] Watch lesson  [4] Send a photo"],
  ],
  confirm: [
    ["bot: 주문을 취소할까요?", "[1] 네  [2] 아니요"],
    ["bot: Cancel the order?", "[1] Yes  [2] No"],
  ],
  commerce: [
    ["손글씨 노트 3권", "₩16,200  (₩18,000, −10% 할인)", "[1] 바로 사기  [2] 공유"],
    ["Three notebooks", "$12.99  ($14.99, −$2.00 off)", "[1] Buy now  [2] Share"],
  ],
  list: [
    ["bot: 이번 주 숙제", "• 수학 익힘 42쪽 — 수요일까지  [1] 열기", "[2] 전체 보기"],
    ["bot: Homework this week", "• Workbook, page 42 — Until Wednesday  [1] Open", "[2] Show all"],
  ],
  details: [
    ["날짜  3월 2일 월요일", "비용            무료", "[1] 시간 바꾸기  [2] 전화하기"],
    ["Day    Monday, 2 March", "Price             Free", "[1] Change time  [2] Call"],
  ],
  receipt: [
    ["bot: 영수증 A-1042", "젤 펜 ×2                   ₩4,000", "합계                      ₩23,000"],
    ["bot: Receipt A-1042", "Gel pen ×2                $3.98", "Total                    $23.49"],
  ],
  carousel: [
    ["2/2", "확률", "8문제 · 15분", "[2] 풀기"],
    ["2/2", "Probability", "8 problems · 15 min", "[2] Start"],
  ],
  imagemap: [
    ["bot: [사진 2층 안내도: A 강의실, B 강의실 https://cdn.example.com/maps/floor-2.png]", "[1] A 강의실  [2] B 강의실"],
    ["bot: [image Map of the second floor: room A, room B https://cdn.example.com/maps/floor-2.png]", "[1] Room A  [2] Room B"],
  ],
  form: [
    ["bot: 체험 수업 신청", "• 학년 *: 중1 / 중2", "• 자녀 수", "[1] 신청하기"],
    ["bot: Book a trial lesson", "• Grade *: 7th / 8th", "• Children", "[1] Book"],
  ],
  custom: [["bot: 투표: 다음 모임은 언제가 좋아요? 토요일, 일요일"], ["bot: Poll: when shall we meet next? Saturday, Sunday"]],
};

for (const [type, [ko, en]] of Object.entries(expected) as [ContentType, (typeof expected)[ContentType]][]) {
  test(`a message of type ${type} is drawn in Korean and in English`, () => {
    for (const [locale, lines] of [
      ["ko", ko],
      ["en", en],
    ] as const) {
      const rows = shown(type, locale);
      let from = 0;
      for (const line of lines) {
        const at = rows.indexOf(line, from);
        assert.ok(at >= 0, `${line}\nis not, in this order, in\n${rows.join("\n")}`);
        from = at + 1;
      }
    }
  });
}

test("no row is wider than the screen, however narrow it is, and no control character comes out", () => {
  const hostile = "\u001b]0;x\u0007\u001b[31m\u202eㄱ";
  for (const { type, locale, message } of goldenMessages) {
    const poisoned = JSON.parse(
      JSON.stringify(message, (key, value: unknown) => (typeof value === "string" && isWord(key) ? `${value}${hostile}` : value)),
    ) as typeof message;
    // Bytes do not go through JSON.
    const changes = type === "bytes" ? {} : (poisoned as Partial<ShownMessage>);
    for (const width of [20, 40, 80]) {
      for (const row of shown(type, locale, { changes, width })) {
        assert.ok(textWidth(row) <= width, `${type}: ${row}`);
        // oxlint-disable-next-line no-control-regex
        assert.doesNotMatch(row, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
      }
    }
  }
});

/** What a person reads, and not what the program decides by. */
function isWord(key: string): boolean {
  return ["text", "title", "label", "value", "name", "caption", "alt", "description", "url", "header", "altText", "head", "address", "submitLabel"].includes(
    key,
  );
}

test("a used button says so; quick replies stand below the newest message alone", () => {
  assert.ok(shown("confirm", "en", { changes: { used: [{ action: "yes", seq: 2 }] } }).includes("[1] Yes (used)  [2] No"));
  assert.ok(shown("form", "ko", { changes: { used: [{ action: "submit", seq: 2 }] } }).includes("[1] 신청하기 (사용됨)"));
  assert.equal(shown("text", "en", { isNewest: false }).length, 1);
});

test("the words of a link do not hide where it leads", () => {
  const text = "Your bank, really";
  const entities = [{ type: "link", offset: 5, length: 4, url: "https://evil.example/" }] as const;
  assert.deepEqual(shown("text", "en", { changes: { content: { type: "text", text, entities: [...entities] } }, isNewest: false }), [
    "Math tutor (bot): Your bank (https://evil.example/), really",
  ]);
});
