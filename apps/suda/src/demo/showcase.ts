/**
 * One message of every type, for `/templates`. Pictures are on a host of documentation (RFC 2606), so clients show their `alt`
 * or altText: this machine serves no files, and a demo asks nobody else's server for anything.
 */
import type { ContentType, MessageBody } from "@suda/protocol";
import { demoForm } from "./demo-form.ts";
import { demoCard, demoCardAlt } from "./demo-card.ts";
import { demoCarousel, demoReceipt, goods } from "./demo-order.ts";
import type { Language } from "./language.ts";

const cdn = "https://cdn.example.com";
/** A PNG of one transparent pixel. */
const pixel = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");

/** JSON Schema of the custom message, as a product would register its own. */
export const demoKinds: Readonly<Record<string, object>> = {
  "poll.v1": {
    type: "object",
    properties: {
      question: { type: "string", minLength: 1, maxLength: 200 },
      options: { type: "array", items: { type: "string", minLength: 1, maxLength: 80 }, minItems: 2, maxItems: 10 },
    },
    required: ["question", "options"],
    additionalProperties: false,
  },
};

/** Whatever type is added to the protocol does not compile until it is shown here. */
export function showcase(language: Language, now: number): Readonly<Record<ContentType, MessageBody>> {
  const pick = <Value>(ko: Value, en: Value): Value => (language === "ko" ? ko : en);
  const [notes] = goods;
  return {
    text: {
      content: {
        type: "text",
        text: pick("굵은 글씨도 있어요. 문서: https://suda.example.com", "Some of it is bold. Documents: https://suda.example.com"),
        entities: pick(
          [
            { type: "bold", offset: 0, length: 5 },
            { type: "link", offset: 16, length: 24, url: "https://suda.example.com" },
          ],
          [
            { type: "bold", offset: 0, length: 18 },
            { type: "link", offset: 31, length: 24, url: "https://suda.example.com" },
          ],
        ),
      },
    },
    image: { content: { type: "image", url: `${cdn}/parabola.png`, width: 1_200, height: 800, alt: pick("포물선과 직선", "A parabola and a line") } },
    video: { content: { type: "video", url: `${cdn}/lesson-7.mp4`, durationMs: 184_000, caption: pick("7강 요약", "Lesson 7 in short") } },
    audio: { content: { type: "audio", url: `${cdn}/reading.m4a`, durationMs: 3_200, waveform: [0, 12, 80, 255, 90, 40, 8] } },
    file: { content: { type: "file", url: `${cdn}/plan.pdf`, name: pick("학습 계획.pdf", "study plan.pdf"), size: 48_210, mime: "application/pdf" } },
    location: {
      content: {
        type: "location",
        title: pick("경복궁", "Gyeongbokgung"),
        address: pick("서울특별시 종로구 사직로 161", "161 Sajik-ro, Jongno-gu, Seoul"),
        latitude: 37.5796,
        longitude: 126.977,
      },
    },
    bytes: { content: { type: "bytes", mime: "image/png", name: "dot.png", bytes: Uint8Array.from(pixel) } },
    sticker: {
      content: { type: "sticker", packId: "suda-cats", stickerId: "clap", url: `${cdn}/stickers/clap.webp`, keywords: [pick("박수", "applause")] },
      altText: pick("박수 치는 고양이", "A cat that claps"),
    },
    card: { content: demoCard(language, { likes: 0 }), altText: demoCardAlt(language) },
    confirm: {
      content: {
        type: "confirm",
        text: pick("오늘 공부를 시작할까요?", "Shall we begin today's lesson?"),
        actions: [
          { type: "postback", id: "begin", label: pick("네", "Yes"), style: "primary", data: { begin: true } },
          { type: "message", id: "later", label: pick("나중에", "Later"), text: pick("나중에 할게요", "Not now") },
        ],
      },
      altText: pick("오늘 공부를 시작할까요? 네 / 나중에", "Shall we begin today's lesson? Yes / Later"),
    },
    commerce: {
      content: {
        type: "commerce",
        title: notes[language].title,
        description: notes[language].description,
        ...notes[language].price,
        discount: Math.floor(notes[language].price.price / 10),
        thumbnail: { url: `${cdn}/${notes.sku}.jpg`, alt: notes[language].title, ratio: "1:1" },
        buttons: [{ type: "share", id: "share", label: pick("공유", "Share") }],
      },
      altText: pick(`할인 중: ${notes.ko.title}`, `On sale: ${notes.en.title}`),
    },
    list: {
      content: {
        type: "list",
        header: pick("이번 주 숙제", "Homework this week"),
        items: [
          {
            title: pick("수학 익힘 42쪽", "Workbook, page 42"),
            description: pick("수요일까지", "Until Wednesday"),
            action: { type: "postback", id: "homework", label: pick("열기", "Open"), data: { homework: 1 } },
          },
          { title: pick("영어 일기 쓰기", "A page of your diary"), description: pick("금요일까지", "Until Friday") },
        ],
      },
      altText: pick("이번 주 숙제 두 개: 수학 익힘 42쪽, 영어 일기 쓰기", "Two tasks this week: workbook page 42, a page of your diary"),
    },
    details: {
      content: {
        type: "details",
        head: pick("상담 예약", "Appointment"),
        rows: [
          { label: pick("선생님", "Teacher"), value: pick("김하늘", "Haneul Kim") },
          { label: pick("시간", "Time"), value: pick("오후 4시 30분", "4:30 pm") },
        ],
        buttons: [{ type: "datetime", id: "move", label: pick("시간 바꾸기", "Change time"), mode: "time", min: "09:00", max: "18:00", initial: "16:30" }],
      },
      altText: pick("상담 예약: 김하늘 선생님, 오후 4시 30분", "Appointment: Haneul Kim, 4:30 pm"),
    },
    receipt: demoReceipt(language, { sku: notes.sku, quantity: 2, name: pick("박지민", "Jimin Park"), address: "", orderNumber: "A-1042", at: now }),
    carousel: demoCarousel(language),
    imagemap: {
      content: {
        type: "imagemap",
        image: `${cdn}/floor-2.png`,
        baseSize: { width: 1_040, height: 700 },
        areas: [
          { x: 0, y: 0, width: 520, height: 700, action: { type: "postback", id: "room-a", label: pick("A 강의실", "Room A"), data: { room: "A" } } },
          { x: 520, y: 0, width: 520, height: 700, action: { type: "postback", id: "room-b", label: pick("B 강의실", "Room B"), data: { room: "B" } } },
        ],
      },
      altText: pick("2층 안내도: A 강의실, B 강의실", "Map of the second floor: room A, room B"),
    },
    form: demoForm(language),
    custom: {
      content: { type: "custom", kind: "poll.v1", data: { question: pick("점심은?", "Lunch?"), options: pick(["비빔밥", "국수"], ["Bibimbap", "Noodles"]) } },
      altText: pick("투표: 점심은? 비빔밥 / 국수", "A poll: lunch? Bibimbap / noodles"),
    },
  };
}
