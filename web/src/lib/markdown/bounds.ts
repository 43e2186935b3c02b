/**
 * What is too much to be read as markdown. Pure.
 *
 * Whoever writes may be out to stop the page, or may paste a log. Beyond these bounds a text is shown as it is: no
 * more than a glance at each letter is spent on it.
 */
export const TEXT = 100_000;
export const BLOCK = 20_000;
const LINE = 10_000;
const WORD = 2_000;
/** In a block: each mark or line may become an element. */
const MARKS = 3_000;

const LONG = new RegExp(`[^\\n]{${LINE + 1}}|[^\\s]{${WORD + 1}}`);

/** Where a text ceases to be markdown: at the line that is too long, or where it is too long as a whole. */
export function plainFrom(text: string): number {
  const end = Math.min(text.length, text.lastIndexOf("\n", TEXT) + 1 || TEXT);
  const long = LONG.exec(text);
  return long && long.index < end
    ? text.lastIndexOf("\n", long.index) + 1
    : text.length > TEXT
      ? end
      : text.length;
}

export function isTooMuch(block: string): boolean {
  return block.length > BLOCK || (block.match(/[*_~`[\]!|$\\\n]/g)?.length ?? 0) > MARKS;
}
