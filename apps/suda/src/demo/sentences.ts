/** Every sentence that the demo bot says, in both languages, and the names of its commands. */
import type { Language } from "./language.ts";

export type DemoCommand = "help" | "templates" | "card" | "order" | "form" | "stream" | "human" | "bot";

/** Each is a slash command in both languages; its name chooses the language of the answer. */
export const demoCommands: Readonly<Record<DemoCommand, Readonly<Record<Language, readonly [name: string, description: string]>>>> = {
  help: { en: ["help", "Shows what I can do"], ko: ["도움말", "할 수 있는 일을 보여 드려요"] },
  templates: { en: ["templates", "One message of every type"], ko: ["템플릿", "모든 종류의 메시지를 하나씩 보여 드려요"] },
  card: { en: ["card", "Buttons that are counted, and one that works once"], ko: ["카드", "눌러 볼 수 있는 버튼들"] },
  order: { en: ["order", "Goods, a form and a receipt"], ko: ["주문", "상품을 고르고, 양식을 쓰고, 영수증을 받아요"] },
  form: { en: ["form", "A form to fill in"], ko: ["양식", "채워 볼 수 있는 양식"] },
  stream: { en: ["stream", "An answer that grows"], ko: ["스트림", "조금씩 길어지는 답"] },
  human: { en: ["human", "Hands over to a human"], ko: ["상담", "상담원에게 넘겨요"] },
  bot: { en: ["bot", "Brings me back after /human"], ko: ["봇", "/상담 다음에 저를 다시 불러요"] },
};

interface Sentences {
  readonly help: string;
  readonly photo: (what: string) => string;
  readonly tapped: (action: string, said: string) => string;
  readonly liked: (count: number) => string;
  readonly reserved: string;
  readonly filledIn: string;
  readonly yes: string;
  readonly no: string;
  readonly orderAgain: string;
  readonly ordered: string;
  readonly growing: string;
  readonly handover: string;
  readonly back: string;
}

function listOf(language: Language): string {
  return Object.values(demoCommands)
    .map((names) => `/${names[language][0]} — ${names[language][1]}`)
    .join("\n");
}

export const sentences: Readonly<Record<Language, Sentences>> = {
  en: {
    help: `I am @sudabot. I say everything again that you say, look at photos, and show what a bot can do:\n${listOf("en")}\n한국어: /도움말`,
    photo: (what) => `I got your photo: ${what}. What is in it I cannot see; a real bot would ask its model here.`,
    tapped: (action, said) => `You tapped “${action}”${said === "" ? "" : `: ${said}`}`,
    liked: (count) => `♥ ${count}`,
    reserved: "Reserved! This button works once.",
    filledIn: "You filled in",
    yes: "yes",
    no: "no",
    orderAgain: "I have forgotten that order (I was restarted). Please begin again: /order",
    ordered: "Thank you for your order!",
    growing:
      "This answer grows while you read it. A bot that asks a language model sends what it gets, a few times a second; " +
      "who comes in late is given the text so far, and in the end all of it is one message in the log, like any other.",
    handover: "I am silent now, and a human is asked for in the queue “demo”. Your agents find it with GET /v1/inbox. Write /bot, and I am back.",
    back: "Here I am again. In your product the agent gives the conversation back; here /bot does it.",
  },
  ko: {
    help: `저는 @sudabot 입니다. 하시는 말씀을 그대로 따라 하고, 사진을 받고, 봇이 할 수 있는 일을 보여 드려요:\n${listOf("ko")}\nEnglish: /help`,
    photo: (what) => `사진을 받았어요: ${what}. 무엇이 찍혔는지는 저는 몰라요. 진짜 봇이라면 여기서 모델에게 물어볼 거예요.`,
    tapped: (action, said) => `“${action}” 버튼을 눌렀어요${said === "" ? "" : `: ${said}`}`,
    liked: (count) => `♥ ${count}`,
    reserved: "예약했어요! 이 버튼은 한 번만 눌려요.",
    filledIn: "이렇게 쓰셨어요",
    yes: "네",
    no: "아니요",
    orderAgain: "제가 다시 켜져서 그 주문을 잊었어요. 다시 시작해 주세요: /주문",
    ordered: "주문해 주셔서 고마워요!",
    growing:
      "이 답은 읽는 동안 길어져요. 언어 모델에게 묻는 봇은 받는 대로 1초에 몇 번씩 보내고, 늦게 들어온 사람은 그때까지의 글을 받아요. " +
      "끝나면 다른 메시지와 똑같이 하나의 메시지로 남아요.",
    handover: "이제 저는 조용히 있을게요. “demo” 대기열에서 상담원을 불렀어요. 상담원은 GET /v1/inbox 에서 찾아요. /봇 이라고 쓰시면 제가 돌아와요.",
    back: "다시 왔어요. 서비스에서는 상담원이 대화를 돌려줘요. 여기서는 /봇 이 해요.",
  },
};
