import { expect, it } from "vitest";
import { codePoints, spokenOf } from "../../src/lib/chat/length";

it("counts as the hub does, in code points", () => {
  expect(codePoints("")).toBe(0);
  expect(codePoints("Phở")).toBe(3);
  expect(codePoints("🦉🦉")).toBe(2);
  expect(codePoints("👩‍🏫")).toBe([..."👩‍🏫"].length);
});

it("counts half a character as one, wherever it stands", () => {
  for (const text of ["\ud800", "a\ud800", "\udc00\ud800", "\ud800\ud800\udc00"]) {
    expect(codePoints(text)).toBe([...text].length);
  }
});

it("says neither margins nor what no database keeps", () => {
  expect(spokenOf(" a\0b\ud800c🦉 ")).toBe("abc🦉");
});
