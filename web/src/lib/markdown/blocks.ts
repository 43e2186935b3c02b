/**
 * A growing text, cut into the blocks that it is shown as. Pure.
 *
 * A block that cannot change any more is finished: it is neither read nor shown again, and stays the same object.
 * What comes after the finished ones is read anew with each piece, and its last block, whose end is not known yet, is
 * healed: what it opens is closed.
 */
import type { Token, Tokens } from "marked";
import remend from "remend";
import { isTooMuch, plainFrom } from "./bounds";
import { blockTokens, type MathToken } from "./grammar";

export type Block = {
  /** Where it begins in the text: its name among the others. */
  start: number;
  finished: boolean;
  text: string;
} & ({ kind: "prose" | "math" | "plain" } | { kind: "code"; language: string });

/** Lines that have to be known of the block after, for a block to be finished: a table is one by its second line. */
const LINES_AFTER = 2;

export class Blocks {
  #text = "";
  #settled: Block[] = [];
  #settledTo = 0;
  #shown: Block[] = [];

  /** The blocks of `text`. If it goes on where the last one ended, only what is new is read. */
  of(text: string, streaming: boolean): Block[] {
    const read = text.replace(/\r\n?/g, "\n");
    if (!read.startsWith(this.#text.slice(0, this.#settledTo))) this.#forget();
    this.#text = read;
    const tail = this.#read(read.slice(this.#settledTo), this.#settledTo, streaming);
    const before = new Map(this.#shown.slice(this.#settled.length).map((block) => [block.start, block]));
    const kept = tail.map((block) => sameAs(before.get(block.start), block));
    this.#shown = [...this.#settled, ...kept];
    if (streaming) this.#settle();
    return this.#shown;
  }

  #forget(): void {
    this.#settled = [];
    this.#settledTo = 0;
  }

  #read(tail: string, from: number, streaming: boolean): Block[] {
    const plain = plainFrom(tail);
    const blocks: Block[] = [];
    let start = from;
    for (const token of blockTokens(tail.slice(0, plain))) {
      if (token.type !== "space") blocks.push(blockOf(token, start));
      start += token.raw.length;
    }
    if (plain < tail.length) {
      blocks.push({ kind: "plain", start: from + plain, finished: true, text: tail.slice(plain) });
    }
    const last = blocks.at(-1);
    if (streaming && last) blocks[blocks.length - 1] = unfinished(last, tail.slice(last.start - from));
    return blocks;
  }

  /** What comes before the last block is settled, once enough of the last is known for it to stay a block. */
  #settle(): void {
    const last = this.#shown.at(-1);
    if (!last || this.#text.slice(last.start).split("\n", LINES_AFTER + 1).length <= LINES_AFTER) return;
    this.#settled = this.#shown.slice(0, -1);
    this.#settledTo = last.start;
  }
}

function sameAs(before: Block | undefined, block: Block): Block {
  const isSame =
    before?.kind === block.kind && before.text === block.text && before.finished === block.finished;
  return isSame && languageOf(before) === languageOf(block) ? before : block;
}

function languageOf(block: Block): string {
  return block.kind === "code" ? block.language : "";
}

function blockOf(token: Token, start: number): Block {
  if (token.type === "code") {
    const { text, lang } = token as Tokens.Code;
    return { kind: "code", start, finished: true, text, language: lang?.trim().split(/\s/, 1)[0] ?? "" };
  }
  if (isTooMuch(token.raw)) return { kind: "plain", start, finished: true, text: token.raw.trimEnd() };
  if (token.type === "math") return { kind: "math", start, finished: true, text: (token as MathToken).text };
  return { kind: "prose", start, finished: true, text: token.raw.trimEnd() };
}

const OPEN_MATH = /^ {0,3}(?:\$\$|\\\[)(?!.*(?:\$\$|\\\]))(.*)$/s;
const OPEN_FENCE = /(?:^|\n) {0,3}(?:`{1,2}|~{1,2})$/;

/** The last block while more is to come. `raw` is the text from its beginning on. */
function unfinished(block: Block, raw: string): Block {
  if (block.kind === "code") return { ...block, finished: false, text: block.text.replace(OPEN_FENCE, "") };
  if (block.kind !== "prose") return { ...block, finished: false };
  const math = OPEN_MATH.exec(raw);
  if (math) return { ...block, kind: "math", finished: false, text: (math[1] ?? "").trim() };
  return { ...block, finished: false, text: healed(block.text) };
}

/** What is longer is not healed: the time that takes grows faster than the text. */
const HEALED = 5_000;

function healed(text: string): string {
  if (text.length > HEALED) return text;
  return remend(text, { linkMode: "text-only", htmlTags: false, katex: false, inlineKatex: false });
}
