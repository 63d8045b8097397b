/** The card of `/card`: a button that counts in place, one that works once, and two that the client does by itself. */
import type { CardContent } from "@suda/protocol";
import type { Language } from "./language.ts";

export interface CardState {
  readonly likes: number;
  /** Who has the seat, once somebody has. */
  readonly seatOf?: string;
}

export function demoCard(language: Language, { likes, seatOf }: CardState): CardContent {
  const isKorean = language === "ko";
  const seat =
    seatOf === undefined ? (isKorean ? "자리가 하나 남았어요." : "One seat is left.") : isKorean ? `${seatOf} 님 자리예요.` : `The seat is ${seatOf}'s.`;
  return {
    type: "card",
    title: isKorean ? "토요일 체험 수업" : "Trial lesson on Saturday",
    text: `${isKorean ? "이차함수를 그림으로 배워요." : "Quadratics in pictures."}\n${seat}\n♥ ${likes}`,
    buttons: [
      {
        type: "postback",
        id: "like",
        label: isKorean ? "좋아요" : "Like",
        data: { language, likes, ...(seatOf === undefined ? {} : { seatOf }) },
        route: "like",
      },
      {
        type: "postback",
        id: "reserve",
        label: isKorean ? "예약하기" : "Reserve",
        style: "primary",
        once: true,
        data: { language, likes },
        route: "reserve",
      },
      { type: "copy", id: "copy", label: isKorean ? "코드 복사" : "Copy code", text: "SUDA-2026" },
      { type: "uri", id: "web", label: isKorean ? "자세히" : "Read more", uri: "https://suda.example.com/lessons/7" },
    ],
  };
}

export function demoCardAlt(language: Language): string {
  return language === "ko" ? "토요일 체험 수업: 좋아요, 예약하기" : "Trial lesson on Saturday: like, reserve";
}
