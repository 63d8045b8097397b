/** Golden messages with a picture and buttons: card, confirm, commerce, carousel, imagemap. */
import { pair, type GoldenMessage } from "./golden-message.ts";

const cdn = "https://cdn.example.com";
const shop = "https://shop.example.com";

export const cardMessages: readonly GoldenMessage[] = [
  ...pair("card", {
    ko: {
      content: {
        type: "card",
        title: "이차방정식 풀이",
        text: "1. 모든 항을 왼쪽으로 옮겨요.\n2. 인수분해해요: (x − 2)(x + 3) = 0\n3. x = 2 또는 x = −3",
        thumbnail: { url: `${cdn}/steps/3.png`, alt: "풀이 과정 그림", ratio: "1.51:1", fit: "contain" },
        profile: { name: "수학 튜터", icon: `${cdn}/bots/tutor.png` },
        buttons: [
          { type: "postback", id: "why", label: "왜 그런가요?", style: "primary", data: { problem: 3, ask: "why" }, route: "explain" },
          { type: "copy", id: "copy", label: "풀이 복사", text: "(x − 2)(x + 3) = 0" },
          { type: "uri", id: "video", label: "강의 보기", uri: "https://learn.example.com/7", altUri: "https://learn.example.com/m/7" },
          { type: "request", id: "photo", label: "사진 보내기", kind: "camera" },
        ],
        layout: "vertical",
      },
      altText: "이차방정식 풀이: x = 2 또는 x = −3",
    },
    en: {
      content: {
        type: "card",
        title: "Solving a quadratic",
        text: "1. Move everything to the left.\n2. Factor: (x − 2)(x + 3) = 0\n3. x = 2 or x = −3",
        thumbnail: { url: `${cdn}/steps/3.png`, alt: "The steps as a picture", ratio: "1.51:1", fit: "contain" },
        profile: { name: "Math tutor", icon: `${cdn}/bots/tutor.png` },
        buttons: [
          { type: "postback", id: "why", label: "Why is that?", style: "primary", data: { problem: 3, ask: "why" }, route: "explain" },
          { type: "copy", id: "copy", label: "Copy", text: "(x − 2)(x + 3) = 0" },
          { type: "uri", id: "video", label: "Watch lesson", uri: "https://learn.example.com/7", altUri: "https://learn.example.com/m/7" },
          { type: "request", id: "photo", label: "Send a photo", kind: "camera" },
        ],
        layout: "vertical",
      },
      altText: "Solving a quadratic: x = 2 or x = −3",
    },
  }),
  ...pair("confirm", {
    ko: {
      content: {
        type: "confirm",
        text: "주문을 취소할까요?",
        actions: [
          { type: "postback", id: "yes", label: "네", style: "danger", once: true, data: "cancel:A-1042" },
          { type: "message", id: "no", label: "아니요", text: "아니요, 그대로 둘게요" },
        ],
      },
      altText: "주문을 취소할까요? 네 / 아니요",
    },
    en: {
      content: {
        type: "confirm",
        text: "Cancel the order?",
        actions: [
          { type: "postback", id: "yes", label: "Yes", style: "danger", once: true, data: "cancel:A-1042" },
          { type: "message", id: "no", label: "No", text: "No, keep it" },
        ],
      },
      altText: "Cancel the order? Yes / No",
    },
  }),
  ...pair("commerce", {
    ko: {
      content: {
        type: "commerce",
        title: "손글씨 노트 3권",
        description: "180도로 펼쳐지는 A5 노트",
        price: 18_000,
        currency: "KRW",
        discountRate: 10,
        discountedPrice: 16_200,
        thumbnail: { url: `${cdn}/goods/notes.jpg`, alt: "노트 세 권", link: `${shop}/notes`, ratio: "1:1" },
        profile: { name: "수다 문구" },
        buttons: [
          { type: "postback", id: "buy", label: "바로 사기", style: "primary", data: { sku: "NOTE-3" } },
          { type: "share", id: "share", label: "공유" },
        ],
      },
      altText: "손글씨 노트 3권, 18,000원에서 10% 할인해 16,200원",
    },
    en: {
      content: {
        type: "commerce",
        title: "Three notebooks",
        description: "A5, open flat",
        price: 1_499,
        currency: "USD",
        discount: 200,
        thumbnail: { url: `${cdn}/goods/notes.jpg`, alt: "Three notebooks", link: `${shop}/notes`, ratio: "1:1" },
        profile: { name: "Suda Stationery" },
        buttons: [
          { type: "postback", id: "buy", label: "Buy now", style: "primary", data: { sku: "NOTE-3" } },
          { type: "share", id: "share", label: "Share" },
        ],
      },
      altText: "Three notebooks, $12.99 instead of $14.99",
    },
  }),
  ...pair("carousel", {
    ko: {
      content: {
        type: "carousel",
        header: { title: "오늘의 추천", text: "자주 틀리는 단원을 모았어요" },
        items: [
          {
            type: "card",
            title: "이차함수",
            text: "12문제 · 20분",
            thumbnail: { url: `${cdn}/units/1.png`, ratio: "2:1" },
            buttons: [{ type: "postback", id: "unit-1", label: "풀기", data: { unit: 1 } }],
          },
          {
            type: "card",
            title: "확률",
            text: "8문제 · 15분",
            thumbnail: { url: `${cdn}/units/2.png`, ratio: "2:1" },
            buttons: [{ type: "postback", id: "unit-2", label: "풀기", data: { unit: 2 } }],
          },
        ],
      },
      altText: "오늘의 추천 단원: 이차함수, 확률",
    },
    en: {
      content: {
        type: "carousel",
        header: { title: "Picked for today", text: "Units that are often wrong" },
        items: [
          {
            type: "card",
            title: "Quadratics",
            text: "12 problems · 20 min",
            thumbnail: { url: `${cdn}/units/1.png`, ratio: "2:1" },
            buttons: [{ type: "postback", id: "unit-1", label: "Start", data: { unit: 1 } }],
          },
          {
            type: "card",
            title: "Probability",
            text: "8 problems · 15 min",
            thumbnail: { url: `${cdn}/units/2.png`, ratio: "2:1" },
            buttons: [{ type: "postback", id: "unit-2", label: "Start", data: { unit: 2 } }],
          },
        ],
      },
      altText: "Units picked for today: Quadratics, Probability",
    },
  }),
  ...pair("imagemap", {
    ko: {
      content: {
        type: "imagemap",
        image: `${cdn}/maps/floor-2.png`,
        baseSize: { width: 1_040, height: 700 },
        areas: [
          { x: 0, y: 0, width: 520, height: 700, action: { type: "postback", id: "room-a", label: "A 강의실", data: "room:A" } },
          { x: 520, y: 0, width: 520, height: 700, action: { type: "uri", id: "room-b", label: "B 강의실", uri: "https://school.example.com/rooms/b" } },
        ],
      },
      altText: "2층 안내도: A 강의실, B 강의실",
    },
    en: {
      content: {
        type: "imagemap",
        image: `${cdn}/maps/floor-2.png`,
        baseSize: { width: 1_040, height: 700 },
        areas: [
          { x: 0, y: 0, width: 520, height: 700, action: { type: "postback", id: "room-a", label: "Room A", data: "room:A" } },
          { x: 520, y: 0, width: 520, height: 700, action: { type: "uri", id: "room-b", label: "Room B", uri: "https://school.example.com/rooms/b" } },
        ],
      },
      altText: "Map of the second floor: room A, room B",
    },
  }),
];
