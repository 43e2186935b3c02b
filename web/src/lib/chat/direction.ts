/**
 * In which direction a text that is being written runs, by its first letter as `dir=auto` has it. Chromium looks through
 * the whole of a field with `dir=auto` at each key, which takes seconds in a text that somebody has pasted.
 */
const LOOKED_AT = 500;
const LETTER = /\p{L}/u;
const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** Undefined: it does not say, so it runs as the page does. */
export function directionOf(text: string): "ltr" | "rtl" | undefined {
  const letter = LETTER.exec(text.slice(0, LOOKED_AT))?.[0];
  if (letter === undefined) return undefined;
  return RIGHT_TO_LEFT.test(letter) ? "rtl" : "ltr";
}
