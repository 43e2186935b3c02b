/** Somebody's own words within a sentence of the page's: whichever way they run, the rest of it does not turn round. */
export function isolated(words: string): string {
  return `\u2068${words}\u2069`;
}
