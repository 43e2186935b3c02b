import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { CloseCode, comesBack } from "../../src/lib/client";

it("the close codes are those of the protocol", () => {
  const [, lines = ""] =
    /class CloseCode\(IntEnum\):([^]*?)\n\n\n/.exec(readFileSync("../protocol/errors.py", "utf8")) ?? [];
  const codes = [...lines.matchAll(/(\w+) = (\d+)/g)].map(([, name, code]) => [name, Number(code)]);
  expect(CloseCode).toEqual(Object.fromEntries(codes));
});

it.each([1000, 1001, 1006, 1011, 1013, 4000, 4002, 4003, 4499])("%i says to come back", (code) => {
  expect(comesBack(code)).toBe(true);
});

it.each([1002, 1003, 1007, 1008, 1009, 4500, 4503, 4508, 4999])("%i says not to", (code) => {
  expect(comesBack(code)).toBe(false);
});
