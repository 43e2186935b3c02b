import { expect, it } from "vitest";
import { messageIn } from "../../src/lib/state/jump.svelte";

it("an address asks for a message by its id, and for nothing else", () => {
  const id = "00000000-0000-4000-8000-00000000000a";
  expect(messageIn(`#m=${id}`)).toBe(id);
  expect(messageIn(`#m=${id.toUpperCase()}`)).toBe(id);
  for (const hash of ["", "#", "#m=", "#m=../../x", `#x=${id}`, `#m=${id}&y`])
    expect(messageIn(hash)).toBeNull();
});
