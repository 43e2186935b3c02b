/**
 * Words as they are looked for: without accents, in small letters, a word's beginning counting for the word. As the
 * hub folds what it searches (server/words.py), so that what it found can be marked here.
 */

/** One letter as it is compared; its length may differ from the letter's. */
function folded(letter: string): string {
  return letter
    .normalize("NFKD")
    .replace(/\p{Mark}/gu, "")
    .toLowerCase();
}

function fold(text: string): string {
  return Array.from(text, folded).join("");
}

export function wordsOf(query: string): string[] {
  return fold(query)
    .split(/[^\p{Letter}\p{Number}]+/u)
    .filter((word) => word !== "");
}

/** Whether each word that is asked for is in one of the texts. */
export function hasAll(texts: readonly string[], words: readonly string[]): boolean {
  const all = fold(texts.join("\n"));
  return words.every((word) => all.includes(word));
}

export interface Piece {
  text: string;
  isMarked: boolean;
}

/** A text in pieces, those marked that were asked for. Joined, they are the text: nothing in it is ever markup. */
export function marked(text: string, query: string): Piece[] {
  const letters = Array.from(text);
  const asked = new Set<number>();
  for (const [begin, end] of placesOf(letters.map(folded), wordsOf(query))) {
    for (let place = begin; place < end; place += 1) asked.add(place);
  }
  const pieces: Piece[] = [];
  for (const [place, letter] of letters.entries()) {
    const last = pieces.at(-1);
    if (last?.isMarked === asked.has(place)) last.text += letter;
    else pieces.push({ text: letter, isMarked: asked.has(place) });
  }
  return pieces;
}

/** Where the words begin and end, in letters; only at the beginning of a word, but anywhere in unspaced scripts. */
function placesOf(letters: readonly string[], words: readonly string[]): [number, number][] {
  const places: [number, number][] = [];
  for (const begin of letters.keys()) {
    if (isInsideWord(letters, begin)) continue;
    for (const word of words) {
      const end = endOf(letters, begin, word);
      if (end !== null) places.push([begin, end]);
    }
  }
  return places;
}

function isInsideWord(letters: readonly string[], place: number): boolean {
  const [before, here] = [letters[place - 1] ?? " ", letters[place] ?? " "];
  return (
    /[\p{Letter}\p{Number}]$/u.test(before) &&
    !/^[\p{Script=Han}\p{Script=Kana}\p{Script=Hiragana}]/u.test(here)
  );
}

function endOf(letters: readonly string[], begin: number, word: string): number | null {
  let seen = "";
  for (let place = begin; place < letters.length; place += 1) {
    seen += letters[place] ?? "";
    if (seen.length >= word.length) return seen.startsWith(word) ? withMarks(letters, place + 1) : null;
    if (!word.startsWith(seen)) return null;
  }
  return null;
}

/** Accents that follow a letter belong to it. */
function withMarks(letters: readonly string[], end: number): number {
  while (letters[end] === "") end += 1;
  return end;
}
