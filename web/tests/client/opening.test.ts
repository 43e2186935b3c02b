// @vitest-environment node
// What a device does when a hub that is there cannot open a session just now.

import { describe, expect, it } from "vitest";
import { connect, type Event } from "../../src/lib/client";
import { session } from "../rows";
import { SNAPSHOT, Sockets, WELCOME } from "./sockets";
import { inStep } from "./stage";

describe("the opening of a session", () => {
  it("that the hub cannot do now is asked for again, and nobody is refused anything", async () => {
    let asked = 0;
    const sockets = new Sockets((peer, command) => {
      if (command.type === "hello") for (const event of [WELCOME, SNAPSHOT]) peer.say(event);
      if (command.type !== "session.open") return;
      asked += 1;
      const { ref } = command;
      const busy = {
        problem: "about:blank",
        title: "Busy",
        status: 503,
        detail: "busy",
        code: "unavailable",
      } as const;
      const later = { type: "refused", ref, ...busy, retryable: true, retryAfterMs: 20 } satisfies Event;
      const page = { session: session({ id: command.session }), messages: [], replies: [], before: null };
      peer.say(asked === 1 ? later : { type: "accepted", ref, result: page });
    });
    const url = await sockets.listen();
    const phone = connect({ url, token: async () => "token", who: { id: "phone", name: "phone" } });
    await inStep(phone);
    const id = "00000000-0000-4000-8000-000000000001";
    expect((await phone.open(id)).session.id).toBe(id);
    expect([asked, phone.timeline.opened.get(id)]).toEqual([2, 1]);
    phone.disconnect();
    sockets.close();
  });
});
