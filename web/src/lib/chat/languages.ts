/** The languages that one may choose for the tutor; the hub takes any, these are offered. */
export const tutorLanguages = [
  "ar", "bn", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hu", "id", "it", "ja", "ko",
  "nl", "no", "pl", "pt", "ro", "ru", "sv", "sw", "th", "tr", "uk", "ur", "vi", "zh",
]; // prettier-ignore

/** What a language is called in another. The hub takes codes that no language has, such as `de-1`: those stay as they are. */
export function nameOfLanguage(code: string, within: string): string {
  try {
    return new Intl.DisplayNames(within, { type: "language", fallback: "code" }).of(code) ?? code;
  } catch {
    return code;
  }
}
