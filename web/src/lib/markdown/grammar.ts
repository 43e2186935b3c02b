/**
 * What is markdown here: GitHub's, with math, without HTML. Pure.
 *
 * HTML is text like any other. A definition of a reference is too, for each block is read by itself. What is nested
 * beyond DEPTH is text, which is what keeps the time that a text takes within its length.
 */
import { Lexer, Marked, Tokenizer, type Token, type TokenizerExtension, type Tokens } from "marked";

const DEPTH = 12;

/** Math as it was written, without its marks. `display`: on a line of its own. */
export interface MathToken extends Tokens.Generic {
  type: "math";
  text: string;
  display: boolean;
}

class CarefulTokenizer extends Tokenizer {
  #depth = 0;

  override html(): undefined {}
  override tag(): undefined {}
  override def(): undefined {}

  override blockquote(src: string) {
    return this.#nested(() => super.blockquote(src));
  }
  override list(src: string) {
    return this.#nested(() => super.list(src));
  }
  override link(src: string) {
    return this.#nested(() => super.link(src));
  }
  override del(...given: Parameters<Tokenizer["del"]>) {
    return this.#nested(() => super.del(...given));
  }
  override emStrong(...given: Parameters<Tokenizer["emStrong"]>) {
    return this.#nested(() => super.emStrong(...given));
  }

  #nested<T>(read: () => T | undefined): T | undefined {
    if (this.#depth >= DEPTH) return undefined;
    this.#depth++;
    try {
      return read();
    } finally {
      this.#depth--;
    }
  }
}

const INLINE = [
  { begin: "$$", rule: /^\$\$((?:\\.|[^\\$]){1,2000}?)\$\$/s, display: true },
  { begin: "$", rule: /^\$(?![\s$])((?:\\.|[^\\$\n]){1,1000}?)(?<!\s)\$(?!\d)/, display: false },
  { begin: "\\(", rule: /^\\\(((?:(?!\\\)).){1,1000}?)\\\)/s, display: false },
  { begin: "\\[", rule: /^\\\[((?:(?!\\\]).){1,2000}?)\\\]/s, display: true },
];

const inlineMath: TokenizerExtension = {
  name: "math",
  level: "inline",
  start: (src) => {
    const at = src.search(/\$|\\[([]/);
    return at === -1 ? undefined : at;
  },
  tokenizer: (src) => {
    for (const { begin, rule, display } of INLINE) {
      const match = src.startsWith(begin) ? rule.exec(src) : null;
      if (match) return { type: "math", raw: match[0], text: (match[1] ?? "").trim(), display };
    }
    return undefined;
  },
};

/** Up to its end, to an empty line, or to where the text ends so far. */
const BLOCK = /^ {0,3}(?:\$\$|\\\[)(?:(?!\n[ \t]*\n).)*?(?:(?:\$\$|\\\])[ \t]*(?:\n|$)|(?=\n[ \t]*\n)|$)/s;
const CLOSED = /^\s*(?:\$\$(.+)\$\$|\\\[(.+)\\\])\s*$/s;

/**
 * Math on lines of its own. One that is open is a paragraph of a kind: were its lines read as what they look like, a line that
 * begins with a plus would end it as a list, and what has been shown of it would have to be taken back.
 */
const blockMath: TokenizerExtension = {
  name: "openMath",
  level: "block",
  start: (src) => {
    const empty = src.indexOf("\n\n");
    const at = (empty === -1 ? src : src.slice(0, empty)).search(/\n {0,3}(?:\$\$|\\\[)/);
    return at === -1 ? undefined : at + 1;
  },
  tokenizer(src) {
    const raw = BLOCK.exec(src)?.[0];
    if (!raw) return undefined;
    const closed = CLOSED.exec(raw);
    if (closed) return { type: "math", raw, text: (closed[1] ?? closed[2] ?? "").trim(), display: true };
    const text = raw.trim();
    return { type: "openMath", raw, text, tokens: this.lexer.inline(text) };
  },
};

export const grammar = new Marked({ gfm: true, extensions: [inlineMath, blockMath] });
grammar.setOptions({ tokenizer: new CarefulTokenizer() });

/** The blocks of a text as they stand one after the other; what is in their lines is not looked at. */
export function blockTokens(text: string): Token[] {
  return new Lexer(grammar.defaults).blockTokens(text, []);
}
