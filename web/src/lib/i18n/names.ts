/** What a language is called in another. The hub takes codes that no language has, such as `de-1`: those stay as they are. */
export function nameOfLanguage(code: string, within: string): string {
  try {
    return new Intl.DisplayNames(within, { type: "language", fallback: "code" }).of(code) ?? code;
  } catch {
    return code;
  }
}
