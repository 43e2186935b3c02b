/** What of a message is said when it is read aloud: its words, in sentences. Code is left out, and marks are. Pure. */
import type { Token } from "marked";
import { grammar } from "../markdown/grammar";

/** Letters; some voices fall silent in the middle of what is longer. */
const LONGEST = 200;

export function spoken(markdown: string): string[] {
  return grammar
    .lexer(markdown)
    .flatMap((token) => wordsOf(token).split("\n"))
    .flatMap(sentencesOf);
}

function wordsOf(token: Token): string {
  if (token.type === "code" || token.type === "space" || token.type === "hr") return "";
  if (token.type === "list") return (token.items as Token[]).map(wordsOf).join("\n");
  if (token.type === "table") return cellsOf(token).join("\n");
  if ("tokens" in token && token.tokens) return token.tokens.map(wordsOf).join(isSpaced(token) ? "\n" : "");
  return "text" in token ? String(token.text) : token.raw;
}

function isSpaced(token: Token): boolean {
  return token.type === "list_item" || token.type === "blockquote";
}

function cellsOf(token: Token): string[] {
  const { header, rows } = token as unknown as { header: { text: string }[]; rows: { text: string }[][] };
  return [header, ...rows].map((row) => row.map(({ text }) => text).join(", "));
}

function sentencesOf(line: string): string[] {
  const sentences = line.match(/[^.!?。！？؟]+(?:[.!?。！？؟]+|$)/g) ?? [];
  return sentences
    .flatMap(pieces)
    .map((piece) => piece.trim())
    .filter((piece) => /[\p{L}\p{N}]/u.test(piece));
}

function pieces(sentence: string): string[] {
  return sentence.match(new RegExp(`.{1,${LONGEST}}(?:\\s|$)|.{1,${LONGEST}}`, "gu")) ?? [];
}
