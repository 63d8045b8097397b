/** The bot speaks Korean and English, each as it is spoken to. */
export type Language = "ko" | "en";

/** Who writes a syllable of Hangul reads Korean. Nothing for a text that says neither, such as a number or 👍. */
export function languageOf(text: string): Language | undefined {
  if (/\p{Script=Hangul}/u.test(text)) return "ko";
  return /\p{Letter}/u.test(text) ? "en" : undefined;
}
