/** Everything that the bot says, in both languages, and the names of its commands. */
import { maxQuantity } from "./cart.ts";
import type { DeliveryField } from "./delivery.ts";
import type { Language } from "./language.ts";

/** Each is a slash command in both languages; its name chooses the language of the answer. */
export const commands = {
  shop: { en: ["shop", "Shows what there is"], ko: ["상점", "상품을 보여 드려요"] },
  cart: { en: ["cart", "Shows your cart"], ko: ["장바구니", "장바구니를 보여 드려요"] },
  buy: { en: ["buy", "Puts goods into the cart: /buy pens 2"], ko: ["담기", "장바구니에 담아요: /담기 pens 2"] },
} as const satisfies Readonly<Record<string, Readonly<Record<Language, readonly [name: string, description: string]>>>>;

export type ShopCommand = keyof typeof commands;

interface Sentences {
  readonly merchant: string;
  readonly greeting: string;
  readonly goods: string;
  readonly direct: string;
  readonly add: string;
  readonly added: (title: string, quantity: number) => string;
  readonly tooMany: string;
  readonly quantity: string;
  readonly unknown: (sku: string, skus: string) => string;
  readonly cart: string;
  readonly empty: string;
  readonly emptied: string;
  readonly shipping: string;
  readonly free: string;
  readonly total: string;
  readonly pieces: (quantity: number, unitPrice: string, price: string) => string;
  readonly checkout: string;
  readonly more: string;
  readonly empties: string;
  readonly deliveryTitle: string;
  readonly deliveryFields: Readonly<Record<DeliveryField, string>>;
  readonly deliverySubmit: string;
  readonly deliveryWaits: string;
  readonly wrong: Readonly<Record<DeliveryField, string>>;
  readonly summary: string;
  readonly question: (total: string) => string;
  readonly yes: string;
  readonly no: string;
  readonly outdated: string;
  readonly changed: string;
  readonly onDelivery: string;
  readonly receipt: (number: string, total: string) => string;
}

export const sentences: Readonly<Record<Language, Sentences>> = {
  en: {
    merchant: "Suda Stationery",
    greeting: "Welcome to Suda Stationery! /shop shows what there is, and /cart your cart. 한국어: /상점",
    goods: "Goods",
    direct: "I take orders where nobody else reads your address: write to me directly.",
    add: "Add to cart",
    added: (title, quantity) => `${title}: ${quantity} in your cart`,
    tooMany: `At most ${maxQuantity} of each.`,
    quantity: `How many? A whole number from 1 to ${maxQuantity}, like /buy pens 2.`,
    unknown: (sku, skus) => `${sku === "" ? "That" : `“${sku}”`} is not sold here. There is: ${skus}.`,
    cart: "Your cart",
    empty: "Your cart is empty. /shop shows what there is.",
    emptied: "empty",
    shipping: "Shipping",
    free: "free",
    total: "Total",
    pieces: (quantity, unitPrice, price) => (quantity === 1 ? price : `${quantity} × ${unitPrice} = ${price}`),
    checkout: "Check out",
    more: "More goods",
    empties: "Empty it",
    deliveryTitle: "Where shall it go?",
    deliveryFields: { name: "Recipient", phone: "Telephone", postcode: "Postcode", address: "Address", detail: "Flat, floor" },
    deliverySubmit: "Deliver here",
    deliveryWaits: "Please fill in the form above. /cart shows your cart, and /shop what else there is.",
    wrong: {
      name: "The recipient is missing.",
      phone: "The telephone number has 8 to 19 digits, like 010-1234-5678.",
      postcode: "The postcode has five digits, like 06236.",
      address: "The address is missing.",
      detail: "",
    },
    summary: "Your order",
    question: (total) => `Order for ${total}? You pay when it arrives.`,
    yes: "Order",
    no: "Not yet",
    outdated: "That question is not open any more. /cart shows your cart.",
    changed: "Something has changed in the shop meanwhile. Please look again:",
    onDelivery: "On delivery",
    receipt: (number, total) => `Receipt ${number}: ${total}`,
  },
  ko: {
    merchant: "수다 문구",
    greeting: "수다 문구에 오신 것을 환영해요! /상점 에서 상품을, /장바구니 에서 담은 것을 볼 수 있어요. English: /shop",
    goods: "상품",
    direct: "주소를 다른 사람이 보지 않도록 1:1 대화에서만 주문을 받아요. 저에게 직접 말을 걸어 주세요.",
    add: "담기",
    added: (title, quantity) => `${title} ${quantity}개를 담았어요`,
    tooMany: `상품마다 ${maxQuantity}개까지 담을 수 있어요.`,
    quantity: `몇 개를 담을까요? 1부터 ${maxQuantity}까지의 정수로 써 주세요. 예: /담기 pens 2`,
    unknown: (sku, skus) => `${sku === "" ? "그 상품은" : `“${sku}” 상품은`} 팔지 않아요. 지금 있는 상품: ${skus}.`,
    cart: "장바구니",
    empty: "장바구니가 비었어요. /상점 에서 상품을 볼 수 있어요.",
    emptied: "비었어요",
    shipping: "배송비",
    free: "무료",
    total: "합계",
    pieces: (quantity, _unitPrice, price) => `${quantity}개 ${price}`,
    checkout: "주문하기",
    more: "더 둘러보기",
    empties: "비우기",
    deliveryTitle: "어디로 보내 드릴까요?",
    deliveryFields: { name: "받는 분", phone: "전화번호", postcode: "우편번호", address: "주소", detail: "상세 주소" },
    deliverySubmit: "여기로 보내기",
    deliveryWaits: "위의 양식을 채워 주세요. /장바구니 에서 담은 것을, /상점 에서 상품을 볼 수 있어요.",
    wrong: {
      name: "받는 분을 써 주세요.",
      phone: "전화번호는 8~19자리예요. 예: 010-1234-5678",
      postcode: "우편번호는 숫자 다섯 자리예요. 예: 06236",
      address: "주소를 써 주세요.",
      detail: "",
    },
    summary: "주문 내용",
    question: (total) => `${total}, 주문할까요? 결제는 받으실 때 해요.`,
    yes: "네, 주문할게요",
    no: "아직요",
    outdated: "지난 질문이에요. /장바구니 에서 담은 것을 볼 수 있어요.",
    changed: "그사이 상점에서 바뀐 것이 있어요. 다시 봐 주세요:",
    onDelivery: "받을 때 결제",
    receipt: (number, total) => `영수증 ${number}: ${total}`,
  },
};
