/** Golden messages that people send as well: text, media, places, bytes, stickers. */
import type { UserId } from "@suda/protocol";
import { pair, type GoldenMessage } from "./golden-message.ts";

const cdn = "https://cdn.example.com";
/** The smallest PNG: one transparent pixel. */
const pixel = Uint8Array.from(atob("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="), (character) =>
  character.charCodeAt(0),
);

export const plainMessages: readonly GoldenMessage[] = [
  ...pair("text", {
    ko: {
      content: {
        type: "text",
        text: "@지민 3번 문제, 다시 볼까요?",
        entities: [
          { type: "mention", user: "jimin" as UserId, offset: 0, length: 3 },
          { type: "bold", offset: 4, length: 5 },
        ],
      },
      quickReplies: [
        { action: { type: "postback", id: "hint", label: "힌트 더 보기", data: { problem: 3, step: 2 }, displayText: "힌트 더 주세요" } },
        { icon: `${cdn}/icons/teacher.png`, action: { type: "handoff", id: "teacher", label: "선생님께 질문", queue: "math" } },
      ],
      sender: { name: "수학 튜터", iconUrl: `${cdn}/bots/tutor.png` },
    },
    en: {
      content: {
        type: "text",
        text: "@jimin Shall we look at problem 3 again?",
        entities: [
          { type: "mention", user: "jimin" as UserId, offset: 0, length: 6 },
          { type: "bold", offset: 24, length: 9 },
        ],
      },
      quickReplies: [
        { action: { type: "postback", id: "hint", label: "More hints", data: { problem: 3, step: 2 }, displayText: "Give me a hint" } },
        { icon: `${cdn}/icons/teacher.png`, action: { type: "handoff", id: "teacher", label: "Ask a teacher", queue: "math" } },
      ],
      sender: { name: "Math tutor", iconUrl: `${cdn}/bots/tutor.png` },
    },
  }),
  ...pair("image", {
    ko: {
      content: {
        type: "image",
        url: `${cdn}/problems/3.jpg`,
        preview: `${cdn}/problems/3-small.jpg`,
        width: 1_200,
        height: 800,
        alt: "이차함수 그래프와 직선",
        caption: "3번 문제",
        album: { id: "homework-12", index: 0, total: 2 },
      },
    },
    en: {
      content: {
        type: "image",
        url: `${cdn}/problems/3.jpg`,
        preview: `${cdn}/problems/3-small.jpg`,
        width: 1_200,
        height: 800,
        alt: "A parabola and a line",
        caption: "Problem 3",
        album: { id: "homework-12", index: 0, total: 2 },
      },
    },
  }),
  ...pair("video", {
    ko: {
      content: {
        type: "video",
        url: `${cdn}/lessons/7.mp4`,
        preview: `${cdn}/lessons/7.jpg`,
        durationMs: 184_000,
        caption: "7강 요약",
        trackingId: "lesson-7",
      },
    },
    en: {
      content: {
        type: "video",
        url: `${cdn}/lessons/7.mp4`,
        preview: `${cdn}/lessons/7.jpg`,
        durationMs: 184_000,
        caption: "Lesson 7 in short",
        trackingId: "lesson-7",
      },
    },
  }),
  ...pair("audio", {
    ko: { content: { type: "audio", url: `${cdn}/notes/말하기.m4a`, durationMs: 3_200, waveform: [0, 12, 80, 255, 40] } },
    en: { content: { type: "audio", url: `${cdn}/notes/speaking.m4a`, durationMs: 3_200, waveform: [0, 12, 80, 255, 40] } },
  }),
  ...pair("file", {
    ko: { content: { type: "file", url: `${cdn}/files/plan.pdf`, name: "학습 계획.pdf", size: 48_210, mime: "application/pdf" } },
    en: { content: { type: "file", url: `${cdn}/files/plan.pdf`, name: "study plan.pdf", size: 48_210, mime: "application/pdf" } },
  }),
  ...pair("location", {
    ko: { content: { type: "location", title: "경복궁", address: "서울특별시 종로구 사직로 161", latitude: 37.5796, longitude: 126.977 } },
    en: { content: { type: "location", title: "Gyeongbokgung", address: "161 Sajik-ro, Jongno-gu, Seoul", latitude: 37.5796, longitude: 126.977 } },
  }),
  ...pair("bytes", {
    ko: { content: { type: "bytes", mime: "image/png", name: "점.png", bytes: pixel } },
    en: { content: { type: "bytes", mime: "image/png", name: "dot.png", bytes: pixel } },
  }),
  ...pair("sticker", {
    ko: {
      content: { type: "sticker", packId: "suda-cats", stickerId: "clap", url: `${cdn}/stickers/cats/clap.webp`, keywords: ["축하", "박수", "고양이"] },
      altText: "손뼉 치는 고양이",
    },
    en: {
      content: { type: "sticker", packId: "suda-cats", stickerId: "clap", url: `${cdn}/stickers/cats/clap.webp`, keywords: ["bravo", "applause", "cat"] },
      altText: "A cat that claps",
    },
  }),
];
