/** The demo bot speaks Korean and English, each as it is spoken to. */
export type Language = "ko" | "en";

/** Who writes a syllable of Hangul reads Korean. */
export function languageOf(text: string): Language {
  return /\p{Script=Hangul}/u.test(text) ? "ko" : "en";
}
