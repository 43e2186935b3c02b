// @vitest-environment node
// What a device says again by itself, when it was told to come later.

import { afterEach, describe, expect, it, vi } from "vitest";
import { Exchange } from "../../src/lib/client/exchange";
import type { Command } from "../../src/lib/client";
import { SNAPSHOT, WELCOME } from "./sockets";

/** A clock that another task holds up: so many milliseconds pass between two looks at it. */
function slowClock(step: number): void {
  let now = 1000;
  vi.spyOn(performance, "now").mockImplementation(() => (now += step));
}

describe("what the hub could not do", () => {
  afterEach(() => vi.restoreAllMocks());

  it("is said again, also when it falls due while the device looks for what is due", async () => {
    slowClock(30);
    const exchange = new Exchange({ id: "d", name: "phone" });
    const said: Command[] = [];
    exchange.speak = (command) => said.push(command);
    for (const event of [WELCOME, SNAPSHOT]) exchange.hear(event);
    void exchange.ask({ type: "session.open", session: "s" });
    const ref = said[0]?.ref ?? 0;
    const problem = { problem: "about:blank", title: "Busy", status: 503, detail: "busy" };
    exchange.hear({
      type: "refused",
      ref,
      ...problem,
      code: "unavailable",
      retryable: true,
      retryAfterMs: 40,
    });
    await vi.waitFor(() => expect(said).toHaveLength(2));
  });
});
