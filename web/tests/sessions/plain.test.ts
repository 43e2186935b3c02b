import { expect, it } from "vitest";
import { plain } from "../../src/lib/sessions/plain";

it("markdown in a list is its words without its marks, those of code too", () => {
  const markdown =
    "## Pho\n\nSimmer **long**, see [here](https://x.example).\n\n- bones\n- `star anise`\n\n```py\nx = 1\n```";
  expect(plain(markdown)).toBe("Pho\nSimmer long, see here.\nbones\nstar anise\nx = 1");
});
