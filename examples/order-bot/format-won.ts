/** Prices are whole won: KRW has no smaller unit, so an integer is exact. */
import type { Language } from "./language.ts";

/** `39,000원`, `₩39,000`. @throws RangeError for what is no amount of money */
export function formatWon(amount: number, language: Language): string {
  if (!Number.isSafeInteger(amount) || amount < 0) throw new RangeError(`${amount} is no amount in won, which is a whole number from 0 on.`);
  const digits = amount.toLocaleString("en-US");
  return language === "ko" ? `${digits}원` : `₩${digits}`;
}
