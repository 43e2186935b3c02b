/** How long a message is, and may be. */
import type { Device } from "../client";

/** From this part of the limit on, it is said how long a message is. */
export const COUNTED_FROM = 0.9;
/** What the hub takes, if it has not said yet. */
const USUAL_LIMIT = 8_000;

/** How long a message may be, in code points. */
export function contentLimit(device: Device): number {
  return device.welcome?.limits.contentLength ?? USUAL_LIMIT;
}

/** What of a text is said: not its margins, and neither NUL nor half a character, which no database keeps. */
export function spokenOf(text: string): string {
  return text.replaceAll(/\0|\p{Surrogate}/gu, "").trim();
}

/** How long a text is as the hub counts: in code points, not in JavaScript's halves of them. */
export function codePoints(text: string): number {
  let count = text.length;
  for (let index = 0; index < text.length - 1; index++) {
    if (isHigh(text.charCodeAt(index)) && isLow(text.charCodeAt(index + 1))) {
      count--;
      index++;
    }
  }
  return count;
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}
