/** Chance that can be said again: the same seed brings the same text. */

export class Chance {
  #state: number;

  constructor(readonly seed: number) {
    this.#state = seed + 0x9e3779b9;
  }

  /** 0 … below - 1 */
  below(below: number): number {
    this.#state = (Math.imul(this.#state ^ (this.#state >>> 15), 0x2c1b3c6d) + 0x6d2b79f5) | 0;
    return ((this.#state ^ (this.#state >>> 13)) >>> 0) % below;
  }

  one(of: readonly string[]): string {
    return of[this.below(of.length)] ?? "";
  }
}

const PIECES: string[] = [
  ..."# A heading|Some words|**bold** and *thin*|`code`|- a|- b|  - within|1. one|2. two|10) ten|* star|+ plus".split(
    "|",
  ),
  ...[
    "> said",
    "> > twice",
    "```js",
    "```",
    "~~~",
    "    indented",
    "---",
    "===",
    "***",
    "a | b",
    "--|--",
    "1 | 2",
  ],
  ...[
    "| a |",
    "|---|",
    "| b |",
    "$$",
    "$x^2$",
    "$$x$$",
    "\\[",
    "\\]",
    "\\(y\\)",
    "a + b",
    "costs $5 and $10",
    "[a]: /b",
  ],
  ...[
    "[x](https://a.example)",
    "<div>",
    "</div>",
    "<!-- x",
    "-->",
    "- [ ] todo",
    "- [x] done",
    "![p](q)",
    "a  ",
    "\\",
  ],
  ...[
    "שלום",
    "日本",
    "🙂",
    "&amp;",
    "\t- tab",
    "#",
    "-",
    "1.",
    "=",
    "|",
    "`",
    "~",
    "a\\",
    "www.a.example",
    "_x_ **y",
  ],
];
const BETWEEN: string[] = ["\n", "\n", "\n\n", "\n\n", " ", "", "\n\n\n", "\r\n", "\n  ", "\n    ", " \n \n"];

export function randomMarkdown(chance: Chance): string {
  return Array.from({ length: 2 + chance.below(14) }, () => chance.one(PIECES) + chance.one(BETWEEN)).join(
    "",
  );
}

/** The text so far, after each piece of it has come. */
export function randomBeginnings(chance: Chance, text: string, longest: number): string[] {
  const beginnings = [];
  for (let end = 0; end < text.length;) {
    end = Math.min(text.length, end + 1 + chance.below(longest));
    beginnings.push(text.slice(0, end));
  }
  return beginnings;
}
