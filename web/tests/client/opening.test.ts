// @vitest-environment node
// What a device does when a hub that is there cannot open a session just now.

import { describe, expect, it } from "vitest";
import { connect, type Event } from "../../src/lib/client";
import { SNAPSHOT, Sockets, WELCOME } from "./sockets";
import { inStep } from "./stage";

const AT = "2026-03-03T10:00:00Z";
const PAGE = {
  session: {
    id: "",
    userId: "u",
    title: "",
    mode: "fun",
    language: "en",
    createdAt: AT,
    updatedAt: AT,
    messageCount: 0,
    readSeq: 0,
    seq: 1,
  },
  messages: [],
  replies: [],
  before: null,
};

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
      const page = { ...PAGE, session: { ...PAGE.session, id: command.session } };
      peer.say(asked === 1 ? later : { type: "accepted", ref, result: page });
    });
    const url = await sockets.listen();
    const phone = connect({ url, token: async () => "token", who: { id: "phone", name: "phone" } });
    await inStep(phone);
    const session = "00000000-0000-4000-8000-000000000001";
    expect((await phone.open(session)).session.id).toBe(session);
    expect([asked, phone.timeline.opened.get(session)]).toEqual([2, 1]);
    phone.disconnect();
    sockets.close();
  });
});
