/** What `/order` sells: goods in a carousel, a form for the one that was chosen, and its receipt. */
import type { CommerceContent, MessageBody } from "@suda/protocol";
import type { Language } from "./language.ts";

interface Good {
  readonly sku: string;
  readonly ko: GoodText;
  readonly en: GoodText;
}

interface GoodText {
  readonly title: string;
  readonly description: string;
  /** In the minor unit: won, and cents. */
  readonly price: { readonly price: number; readonly currency: "KRW" | "USD" };
}

const krw = (price: number) => ({ price, currency: "KRW" }) as const;
const usd = (price: number) => ({ price, currency: "USD" }) as const;

export const goods: readonly [Good, ...Good[]] = [
  {
    sku: "notes",
    ko: { title: "손글씨 노트 3권", description: "180도로 펼쳐지는 A5 노트", price: krw(18_000) },
    en: { title: "Three notebooks", description: "A5, open flat", price: usd(1_499) },
  },
  {
    sku: "pens",
    ko: { title: "젤 펜 5자루", description: "0.38 mm, 다섯 가지 색", price: krw(9_000) },
    en: { title: "Five gel pens", description: "0.38 mm, five colours", price: usd(799) },
  },
  {
    sku: "ruler",
    ko: { title: "투명 자", description: "30 cm", price: krw(2_500) },
    en: { title: "A clear ruler", description: "30 cm", price: usd(250) },
  },
];

const shipping = { KRW: 3_000, USD: 500 } as const;

export function demoCarousel(language: Language): MessageBody {
  const items = goods.map(
    ({ sku, [language]: { title, description, price } }): CommerceContent => ({
      type: "commerce",
      title,
      description,
      ...price,
      thumbnail: { url: `https://cdn.example.com/${sku}.jpg`, alt: title, ratio: "1:1" },
      buttons: [{ type: "postback", id: `buy-${sku}`, label: language === "ko" ? "사기" : "Buy", style: "primary", data: { language, sku }, route: "buy" }],
    }),
  );
  const titles = goods.map((good) => good[language].title).join(", ");
  return { content: { type: "carousel", items }, altText: language === "ko" ? `상품: ${titles}` : `Goods: ${titles}` };
}

/** What a tap's data names, if it still is for sale. */
export function findGood(sku: unknown): Good | undefined {
  return goods.find((good) => good.sku === sku);
}

export function orderForm(language: Language, good: Good): MessageBody {
  const isKorean = language === "ko";
  const { title } = good[language];
  return {
    content: {
      type: "form",
      title,
      fields: [
        {
          id: "quantity",
          kind: "select",
          label: isKorean ? "수량" : "Quantity",
          required: true,
          options: [1, 2, 3].map((count) => ({ value: String(count), label: isKorean ? `${count}개` : String(count) })),
        },
        { id: "name", kind: "text", label: isKorean ? "받는 분" : "Recipient", required: true, maxLength: 80 },
        { id: "address", kind: "text", label: isKorean ? "주소" : "Address", required: true, maxLength: 200 },
      ],
      submitLabel: isKorean ? "주문하기" : "Order",
      once: true,
    },
    altText: isKorean ? `주문서: ${title}` : `Order form: ${title}`,
  };
}

export interface Order {
  readonly sku: string;
  readonly quantity: number;
  readonly name: string;
  readonly address: string;
  readonly orderNumber: string;
  /** Epoch milliseconds. */
  readonly at: number;
}

/** @throws RangeError for what is not sold */
export function demoReceipt(language: Language, { sku, quantity, name, address, orderNumber, at }: Order): MessageBody {
  const good = findGood(sku);
  if (good === undefined) throw new RangeError(`${sku} is not sold here.`);
  const { title, price } = good[language];
  const subtotal = price.price * quantity;
  const total = subtotal + shipping[price.currency];
  return {
    content: {
      type: "receipt",
      orderNumber,
      currency: price.currency,
      at,
      recipient: name,
      merchant: language === "ko" ? "수다 문구 (체험)" : "Suda Stationery (a demo)",
      items: [{ title, quantity, price: subtotal }],
      ...(address === "" ? {} : { address }),
      summary: { subtotal, shipping: shipping[price.currency], total },
    },
    altText: language === "ko" ? `영수증 ${orderNumber}: ${total.toLocaleString("ko-KR")}원` : `Receipt ${orderNumber}: $${(total / 100).toFixed(2)}`,
  };
}
