/** Filtered sessions and marked words: what is typed finds, and shows, what the hub's search would. */
import { expect, it } from "vitest";
import { hasAll, marked, wordsOf } from "../../src/lib/sessions/words";

const asked = (text: string, query: string): string[] =>
  marked(text, query)
    .filter((piece) => piece.isMarked)
    .map((piece) => piece.text);

it("marks words by their beginning, whatever their letters' case", () => {
  expect(asked("Bones simmer; a bonfire does not", "bon")).toEqual(["Bon", "bon"]);
});

it("does not mark the middle of a word", () => {
  expect(asked("carbon", "bon")).toEqual([]);
});

it("finds a word with accents by its letters, and its letters by the word with accents", () => {
  expect(asked("Phở bò", "pho")).toEqual(["Phở"]);
  expect(asked("pho", "phở")).toEqual(["pho"]);
});

it("marks an accent that is a letter of its own together with what it stands on", () => {
  expect(asked("cafe\u0301 noir", "cafe")).toEqual(["cafe\u0301"]);
});

it("marks words of a script without spaces anywhere", () => {
  expect(asked("今日は東京に行く", "東京")).toEqual(["東京"]);
});

it("marks a letter that is two when it is folded", () => {
  expect(asked("the ﬁlm", "film")).toEqual(["ﬁlm"]);
});

it("leaves a text as it is, markup and all", () => {
  const text = "<b>bones</b> & 👩‍🔬 <img src=x onerror=alert(1)>";
  expect(
    marked(text, "img bones 👩")
      .map((piece) => piece.text)
      .join(""),
  ).toBe(text);
});

it("finds a session only if each word is in it", () => {
  expect(hasAll(["Bone broth", "How long must it simmer?"], wordsOf("simmer BRO"))).toBe(true);
  expect(hasAll(["Bone broth", "How long must it simmer?"], wordsOf("simmer beef"))).toBe(false);
});

it("finds everything while nothing is asked for", () => {
  expect(hasAll(["Pho"], wordsOf("  ?! "))).toBe(true);
});
