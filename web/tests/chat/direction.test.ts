import { expect, it } from "vitest";
import { directionOf } from "../../src/lib/chat/direction";

it("a text that is written runs as its first letter does", () => {
  expect(directionOf("Why is the sky blue?")).toBe("ltr");
  expect(directionOf("لماذا السماء زرقاء؟ (sky)")).toBe("rtl");
  expect(directionOf("1. שלום world")).toBe("rtl");
  expect(directionOf("なぜ空は青いの")).toBe("ltr");
});

it("without a letter it runs as the page does", () => {
  expect([directionOf(""), directionOf("1 + 1 = ?"), directionOf("🦉")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});
