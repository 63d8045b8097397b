/** What the terminal says about the messages of bots, their buttons and their forms, in Korean and in English. */
import type { DatetimeAction, FormField, RequestAction } from "@suda/protocol";

/** What can be wrong with an answer, and what a right one looks like. */
export type AnswerKind = FormField["kind"] | DatetimeAction["mode"] | "location" | "phone" | "contact";

export interface TemplateTexts {
  readonly sticker: string;
  readonly off: string;
  readonly receipt: (order: string) => string;
  readonly subtotal: string;
  readonly shipping: string;
  readonly tax: string;
  readonly total: string;
  readonly until: (time: string) => string;
  readonly submit: string;
  /** Behind a button that cannot be pressed any more. */
  readonly used: string;
  readonly submitted: (by: string) => string;
  readonly noButtons: string;
  readonly noButton: (number: number, max: number) => string;
  readonly alreadyUsed: (label: string) => string;
  readonly pressed: (label: string) => string;
  readonly sent: (title: string) => string;
  readonly toast: (by: string, text: string) => string;
  readonly open: (uri: string) => string;
  readonly call: (phone: string) => string;
  readonly copy: (text: string) => string;
  readonly share: string;
  readonly photo: string;
  readonly takesNothing: (label: string) => string;
  readonly between: (min: string | undefined, max: string | undefined) => string;
  readonly requests: Readonly<Record<Exclude<RequestAction["kind"], "camera" | "photo"> | "name" | "phone", string>>;
  /** Before the first question. */
  readonly howToAnswer: string;
  readonly optional: string;
  readonly required: string;
  readonly tooLong: (max: number) => string;
  readonly cancelled: string;
  readonly nothingAsked: string;
  /** What a right answer looks like; the same sentence asks and corrects. */
  readonly hints: Readonly<Record<AnswerKind, string>>;
}

export const englishTemplateTexts: TemplateTexts = {
  sticker: "sticker",
  off: "off",
  receipt: (order) => `Receipt ${order}`,
  subtotal: "Subtotal",
  shipping: "Shipping",
  tax: "Tax",
  total: "Total",
  until: (time) => `until ${time}`,
  submit: "Submit",
  used: "used",
  submitted: (by) => `${by} sent the form`,
  noButtons: "There is no message with buttons here, as far as is shown.",
  noButton: (number, max) => `There is no button ${number}; the message has 1 to ${max}.`,
  alreadyUsed: (label) => `“${label}” was used before and cannot be used again.`,
  pressed: (label) => `Pressed “${label}”.`,
  sent: (title) => `“${title}” is sent.`,
  toast: (by, text) => `${by}: ${text}`,
  open: (uri) => `Open ${uri}`,
  call: (phone) => `Call ${phone}`,
  copy: (text) => `To copy:\n${text}`,
  share: "A terminal cannot pass a message on; copy its text.",
  photo: "A terminal has no camera; send the picture with another client, as an answer to the message.",
  takesNothing: (label) => `“${label}” takes nothing after its number.`,
  between: (min, max) => (min === undefined ? `up to ${max ?? ""}` : max === undefined ? `from ${min}` : `from ${min} to ${max}`),
  requests: { location: "Where?", contact: "Contact", email: "E-mail address", name: "Name", phone: "Telephone" },
  howToAnswer: "Answer line by line. /cancel or Esc stops.",
  optional: "Enter skips",
  required: "That has to be answered.",
  tooLong: (max) => `At most ${max} characters.`,
  cancelled: "Stopped; nothing was sent.",
  nothingAsked: "Nothing is being asked now.",
  hints: {
    text: "a text",
    textarea: "a text",
    email: "like jimin@example.com",
    number: "a number",
    select: "the number of one of them",
    multiselect: "numbers, like 1 3",
    date: "like 2026-03-01",
    time: "like 09:30",
    datetime: "like 2026-03-01T09:30",
    checkbox: "y or n",
    location: "latitude and longitude, like 37.57, 126.97",
    phone: "like +82 10-1234-5678",
    contact: "a telephone number or an e-mail address is needed",
  },
};

export const koreanTemplateTexts: TemplateTexts = {
  sticker: "스티커",
  off: "할인",
  receipt: (order) => `영수증 ${order}`,
  subtotal: "상품 금액",
  shipping: "배송비",
  tax: "세금",
  total: "합계",
  until: (time) => `${time}까지`,
  submit: "제출",
  used: "사용됨",
  submitted: (by) => `${by} 님이 양식을 제출했습니다`,
  noButtons: "보이는 범위에 버튼이 있는 메시지가 없습니다.",
  noButton: (number, max) => `${number}번 버튼은 없습니다. 이 메시지에는 1번부터 ${max}번까지 있습니다.`,
  alreadyUsed: (label) => `“${label}” 버튼은 이미 사용되어 다시 누를 수 없습니다.`,
  pressed: (label) => `“${label}” 버튼을 눌렀습니다.`,
  sent: (title) => `“${title}” 양식을 보냈습니다.`,
  toast: (by, text) => `${by}: ${text}`,
  open: (uri) => `열기: ${uri}`,
  call: (phone) => `전화: ${phone}`,
  copy: (text) => `복사할 글:\n${text}`,
  share: "터미널에서는 공유할 수 없습니다. 글을 복사해 주세요.",
  photo: "터미널에는 카메라가 없습니다. 다른 프로그램에서 이 메시지에 대한 답으로 사진을 보내 주세요.",
  takesNothing: (label) => `“${label}” 버튼은 번호만 쓰면 됩니다.`,
  between: (min, max) => (min === undefined ? `${max ?? ""}까지` : max === undefined ? `${min}부터` : `${min}부터 ${max}까지`),
  requests: { location: "위치", contact: "연락처", email: "이메일 주소", name: "이름", phone: "전화번호" },
  howToAnswer: "한 줄씩 답해 주세요. /cancel 이나 Esc 로 그만둡니다.",
  optional: "Enter 는 건너뛰기",
  required: "꼭 답해야 합니다.",
  tooLong: (max) => `최대 ${max}자입니다.`,
  cancelled: "그만두었습니다. 아무것도 보내지 않았습니다.",
  nothingAsked: "지금은 묻는 것이 없습니다.",
  hints: {
    text: "글",
    textarea: "글",
    email: "예: jimin@example.com",
    number: "숫자",
    select: "보기 번호 하나",
    multiselect: "보기 번호들, 예: 1 3",
    date: "예: 2026-03-01",
    time: "예: 09:30",
    datetime: "예: 2026-03-01T09:30",
    checkbox: "예 또는 아니요 (y/n)",
    location: "위도와 경도, 예: 37.57, 126.97",
    phone: "예: 010-1234-5678",
    contact: "전화번호나 이메일 가운데 하나는 있어야 합니다",
  },
};
