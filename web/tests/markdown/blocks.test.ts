/** A growing text is cut as the whole one is, and what is finished stays what it is. */
import { describe, expect, it } from "vitest";
import { Blocks, type Block } from "../../src/lib/markdown/blocks";
import { Chance, randomBeginnings, randomMarkdown } from "./random";

/** Not those of a clock: others may work on this machine, too. */
function secondsWorked(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function whole(text: string): Block[] {
  return new Blocks().of(text, false);
}

function streamed(text: string): Block[] {
  return new Blocks().of(text, true);
}

describe("a text that comes in pieces", () => {
  it.each(Array.from({ length: 20 }, (_, seed) => seed))(
    "is cut as the whole is, seed %i",
    { timeout: 60_000 },
    (seed) => {
      const chance = new Chance(seed);
      for (let round = 0; round < 50; round++) {
        const text = randomMarkdown(chance);
        const blocks = new Blocks();
        for (const beginning of randomBeginnings(chance, text, 9)) blocks.of(beginning, true);
        expect(blocks.of(text, false), JSON.stringify(text)).toEqual(whole(text));
      }
    },
  );

  it("keeps each finished block the same object", () => {
    const blocks = new Blocks();
    const [first] = blocks.of("One.\n\nTwo.\n\n", true);
    const later = blocks.of("One.\n\nTwo.\n\nThree.\n\nFour", true);
    expect(later[0]).toBe(first);
    expect(blocks.of("One.\n\nTwo.\n\nThree.\n\nFour and five", true).slice(0, 3)).toEqual(later.slice(0, 3));
    expect(blocks.of("One.\n\nTwo.\n\nThree.\n\nFour", false)[0]).toBe(first);
  });

  it("reads no more than what is not settled yet", () => {
    const blocks = new Blocks();
    const paragraphs = "Some words that are said.\n\n".repeat(3_000);
    blocks.of(paragraphs, true);
    const begin = secondsWorked();
    for (let count = 1; count <= 100; count++) blocks.of(`${paragraphs}${"word ".repeat(count)}`, true);
    expect(secondsWorked() - begin).toBeLessThan(1);
  });

  it("is read anew when it becomes another text", () => {
    const blocks = new Blocks();
    blocks.of("One.\n\nTwo.\n\nThree.\n\nFour.\n\nFive.", true);
    expect(blocks.of("Un.\n\nDeux.", true).map(({ text }) => text)).toEqual(["Un.", "Deux."]);
    expect(blocks.of("", true)).toEqual([]);
  });
});

describe("the last block, while more is to come", () => {
  it.each([
    ["some **bold", "some **bold**"],
    ["some *thin", "some *thin*"],
    ["a `code", "a `code`"],
    ["see [the page](https://exa", "see the page"],
    ["a ~~mistake", "a ~~mistake~~"],
  ])("is healed: %s", (text, healed) => {
    expect(streamed(text)).toMatchObject([{ kind: "prose", finished: false, text: healed }]);
    expect(whole(text)).toMatchObject([{ finished: true, text }]);
  });

  it("is code from its fence on, and does not show the fence that is being written", () => {
    expect(streamed("```python\nprint(1)\n``")).toEqual([
      { kind: "code", start: 0, finished: false, text: "print(1)", language: "python" },
    ]);
  });

  it("is a formula from its beginning on", () => {
    expect(streamed("So:\n\n$$\na\n+ b_1")).toMatchObject([
      { text: "So:" },
      { kind: "math", finished: false, text: "a\n+ b_1" },
    ]);
    expect(whole("So:\n\n\\[\na\n+ b_1\n\\]\n")).toMatchObject([
      { text: "So:" },
      { kind: "math", finished: true, text: "a\n+ b_1" },
    ]);
  });
});

describe("what is too much", () => {
  const IN_TIME = 3; // seconds for eleven times; without bounds it is minutes

  const bombs: [string, string][] = [
    ["10,000 nested quotes in a line", ">".repeat(10_000)],
    ["10,000 nested quotes with spaces", `${"> ".repeat(10_000)}x`],
    [
      "nested quotes, a line each",
      Array.from({ length: 400 }, (_, depth) => ">".repeat(depth) + " a").join("\n"),
    ],
    ["a line of 50,000 letters", "a ".repeat(25_000)],
    ["a word of 50,000 letters", "a".repeat(50_000)],
    ["100,000 stars", "*".repeat(100_000)],
    ["stars with letters", "*a **b ".repeat(3_000) + "b** a*".repeat(3_000)],
    ["open brackets", "[".repeat(20_000)],
    ["open pictures", "![a".repeat(5_000) + "](b)".repeat(5_000)],
    [
      "deeply nested lists",
      Array.from({ length: 400 }, (_, depth) => " ".repeat(2 * depth) + "- a").join("\n"),
    ],
    ["lists in a line", "- ".repeat(5_000) + "x"],
    ["a table of 5,000 rows", "|a|b|\n|-|-|\n" + "|c|d|\n".repeat(5_000)],
    ["a table of 2,000 columns", "|a".repeat(2_000) + "\n" + "|-".repeat(2_000) + "\n" + "|b".repeat(2_000)],
    ["ticks of all lengths", Array.from({ length: 300 }, (_, length) => "`".repeat(length)).join(" ")],
    ["dollars", "$a ".repeat(3_000)],
    ["open formulas", "\\(a ".repeat(2_000)],
    ["letters before an at", "a.".repeat(10_000) + "@"],
    ["a megabyte", "Some words that are said.\n\n".repeat(40_000)],
    ["backslashes", "\\[".repeat(10_000)],
    ["references", "[a][".repeat(5_000)],
  ];

  it.each(bombs)("is cut in time, whole and while it comes: %s", { timeout: 60_000 }, (_, text) => {
    const begin = secondsWorked();
    const blocks = new Blocks();
    for (let part = 1; part <= 10; part++) blocks.of(text.slice(0, (text.length * part) / 10), true);
    expect(blocks.of(text, false).length).toBeGreaterThan(0);
    expect(secondsWorked() - begin).toBeLessThan(IN_TIME);
  });

  it("is shown as it is, from where it begins; what was said before stays markdown", () => {
    const text = `Look:\n\n${"x".repeat(50_000)}\n\nmore`;
    expect(whole(text)).toMatchObject([
      { kind: "prose", text: "Look:" },
      { kind: "plain", text: text.slice(7) },
    ]);
  });
});
