/** Golden messages with several facts: list, details, receipt, form, custom. */
import { pair, type GoldenMessage } from "./golden-message.ts";

const cdn = "https://cdn.example.com";

/** JSON Schemas of the kinds of the golden custom messages, as `customKinds` of a server or for `PUT /v1/custom-kinds/{kind}`. */
export const goldenKinds: Readonly<Record<string, object>> = {
  "poll.v1": {
    type: "object",
    properties: {
      question: { type: "string", minLength: 1, maxLength: 200 },
      options: { type: "array", items: { type: "string", minLength: 1, maxLength: 80 }, minItems: 2, maxItems: 10, uniqueItems: true },
    },
    required: ["question", "options"],
    additionalProperties: false,
  },
};

export const listMessages: readonly GoldenMessage[] = [
  ...pair("list", {
    ko: {
      content: {
        type: "list",
        header: "이번 주 숙제",
        items: [
          {
            title: "수학 익힘 42쪽",
            description: "수요일까지",
            image: `${cdn}/icons/math.png`,
            action: { type: "postback", id: "hw-1", label: "열기", data: { homework: 1 } },
          },
          { title: "영어 일기 쓰기", description: "금요일까지" },
        ],
        buttons: [{ type: "uri", id: "all", label: "전체 보기", uri: "https://school.example.com/homework" }],
      },
      altText: "이번 주 숙제 두 개: 수학 익힘 42쪽, 영어 일기 쓰기",
    },
    en: {
      content: {
        type: "list",
        header: "Homework this week",
        items: [
          {
            title: "Workbook, page 42",
            description: "Until Wednesday",
            image: `${cdn}/icons/math.png`,
            action: { type: "postback", id: "hw-1", label: "Open", data: { homework: 1 } },
          },
          { title: "A page of your diary", description: "Until Friday" },
        ],
        buttons: [{ type: "uri", id: "all", label: "Show all", uri: "https://school.example.com/homework" }],
      },
      altText: "Two tasks this week: workbook page 42, a page of your diary",
    },
  }),
  ...pair("details", {
    ko: {
      content: {
        type: "details",
        head: "상담 예약",
        imageTitle: { title: "김하늘 선생님", description: "수학 · 30분", image: `${cdn}/teachers/haneul.jpg` },
        rows: [
          { label: "날짜", value: "3월 2일 월요일" },
          { label: "시간", value: "오후 4시 30분" },
        ],
        summary: { label: "비용", value: "무료" },
        alignment: "right",
        title: "예약이 확정됐어요",
        description: "10분 전에 알려 드릴게요.",
        buttons: [
          {
            type: "datetime",
            id: "move",
            label: "시간 바꾸기",
            mode: "datetime",
            min: "2026-03-02T09:00",
            max: "2026-03-31T18:00",
            initial: "2026-03-02T16:30",
          },
          { type: "call", id: "call", label: "전화하기", phone: "+82 2-1234-5678" },
        ],
      },
      altText: "상담 예약 확정: 김하늘 선생님, 3월 2일 월요일 오후 4시 30분",
    },
    en: {
      content: {
        type: "details",
        head: "Appointment",
        imageTitle: { title: "Ms. Haneul Kim", description: "Mathematics · 30 min", image: `${cdn}/teachers/haneul.jpg` },
        rows: [
          { label: "Day", value: "Monday, 2 March" },
          { label: "Time", value: "4:30 pm" },
        ],
        summary: { label: "Price", value: "Free" },
        alignment: "right",
        title: "You are booked",
        description: "We remind you ten minutes before.",
        buttons: [
          {
            type: "datetime",
            id: "move",
            label: "Change time",
            mode: "datetime",
            min: "2026-03-02T09:00",
            max: "2026-03-31T18:00",
            initial: "2026-03-02T16:30",
          },
          { type: "call", id: "call", label: "Call", phone: "+82 2-1234-5678" },
        ],
      },
      altText: "You are booked: Ms. Haneul Kim, Monday, 2 March, 4:30 pm",
    },
  }),
  ...pair("receipt", {
    ko: {
      content: {
        type: "receipt",
        orderNumber: "A-1042",
        currency: "KRW",
        paymentMethod: "신한카드 **** 1234",
        at: 1_772_409_600_000,
        recipient: "박지민",
        merchant: "수다 문구",
        items: [
          { title: "손글씨 노트", subtitle: "A5 · 줄 없음", quantity: 3, price: 18_000, image: `${cdn}/goods/notes.jpg` },
          { title: "젤 펜", quantity: 2, price: 4_000 },
        ],
        address: "서울특별시 종로구 사직로 161",
        summary: { subtotal: 22_000, shipping: 3_000, tax: 0, total: 23_000 },
        adjustments: [{ name: "첫 구매 쿠폰", amount: 2_000 }],
      },
      altText: "영수증 A-1042: 모두 23,000원",
    },
    en: {
      content: {
        type: "receipt",
        orderNumber: "A-1042",
        currency: "USD",
        paymentMethod: "Visa **** 1234",
        at: 1_772_409_600_000,
        recipient: "Jimin Park",
        merchant: "Suda Stationery",
        items: [
          { title: "Notebook", subtitle: "A5, plain", quantity: 3, price: 1_499, image: `${cdn}/goods/notes.jpg` },
          { title: "Gel pen", quantity: 2, price: 398 },
        ],
        address: "161 Sajik-ro, Jongno-gu, Seoul",
        summary: { subtotal: 1_897, shipping: 500, tax: 152, total: 2_349 },
        adjustments: [{ name: "First order", amount: 200 }],
      },
      altText: "Receipt A-1042: $23.49 in all",
    },
  }),
  ...pair("form", {
    ko: {
      content: {
        type: "form",
        title: "체험 수업 신청",
        fields: [
          { id: "name", kind: "text", label: "이름", required: true, maxLength: 40 },
          { id: "email", kind: "email", label: "이메일", required: true },
          {
            id: "grade",
            kind: "select",
            label: "학년",
            required: true,
            options: [
              { value: "m1", label: "중1" },
              { value: "m2", label: "중2" },
            ],
          },
          {
            id: "subjects",
            kind: "multiselect",
            label: "과목",
            options: [
              { value: "math", label: "수학" },
              { value: "english", label: "영어" },
            ],
          },
          { id: "children", kind: "number", label: "자녀 수" },
          { id: "day", kind: "date", label: "원하는 날", required: true },
          { id: "time", kind: "time", label: "원하는 시간" },
          { id: "note", kind: "textarea", label: "하고 싶은 말", maxLength: 500 },
          { id: "agree", kind: "checkbox", label: "개인정보 수집에 동의해요", required: true },
        ],
        submitLabel: "신청하기",
        once: true,
        expiresAt: 1_774_915_200_000,
      },
      altText: "체험 수업 신청서",
    },
    en: {
      content: {
        type: "form",
        title: "Book a trial lesson",
        fields: [
          { id: "name", kind: "text", label: "Name", required: true, maxLength: 40 },
          { id: "email", kind: "email", label: "E-mail", required: true },
          {
            id: "grade",
            kind: "select",
            label: "Grade",
            required: true,
            options: [
              { value: "m1", label: "7th" },
              { value: "m2", label: "8th" },
            ],
          },
          {
            id: "subjects",
            kind: "multiselect",
            label: "Subjects",
            options: [
              { value: "math", label: "Mathematics" },
              { value: "english", label: "English" },
            ],
          },
          { id: "children", kind: "number", label: "Children" },
          { id: "day", kind: "date", label: "Day", required: true },
          { id: "time", kind: "time", label: "Time" },
          { id: "note", kind: "textarea", label: "Anything else", maxLength: 500 },
          { id: "agree", kind: "checkbox", label: "I agree that this is stored", required: true },
        ],
        submitLabel: "Book",
        once: true,
        expiresAt: 1_774_915_200_000,
      },
      altText: "Form: book a trial lesson",
    },
  }),
  ...pair("custom", {
    ko: {
      content: { type: "custom", kind: "poll.v1", data: { question: "다음 모임은 언제가 좋아요?", options: ["토요일", "일요일"] } },
      altText: "투표: 다음 모임은 언제가 좋아요? 토요일, 일요일",
    },
    en: {
      content: { type: "custom", kind: "poll.v1", data: { question: "When shall we meet next?", options: ["Saturday", "Sunday"] } },
      altText: "Poll: when shall we meet next? Saturday, Sunday",
    },
  }),
];
