// @vitest-environment node
// What a timeline shows: in the end the same, however it was told; and cheaply.

import { describe, expect, it } from "vitest";
import { Timeline } from "../../src/lib/client/timeline";
import type { Event, Message, MessagePage, Session, Snapshot } from "../../src/lib/client/wire";
import { session as row } from "../rows";
import { chance, type Chance } from "./chance";

const EPOCH = "e";
const BEGUN = "2026-03-01T10:00:00Z";

function session(id: string, seq: number, more: Partial<Session> = {}): Session {
  return row({ id, title: id, seq, createdAt: BEGUN, updatedAt: BEGUN, ...more });
}

function message(id: string, position: number, seq: number, more: Partial<Message> = {}): Message {
  return { id, sessionId: "s", position, type: "user", content: id, createdAt: BEGUN, seq, ...more };
}

function page(messages: Message[], before: string | null = null): MessagePage {
  return { session: session("s", 1), messages, replies: [], before, after: null };
}

function snapshot(seq: number, sessions: Session[]): Snapshot {
  return { type: "snapshot", epoch: EPOCH, seq, sessions, cursor: null };
}

describe("a timeline that is restored from what was kept", () => {
  function restored(): Timeline {
    const timeline = new Timeline();
    timeline.restore({ epoch: EPOCH, seq: 7, sessions: [session("s", 5), session("t", 7)], oldest: null });
    timeline.open("s");
    timeline.recall(
      [message("a", 1, 2), message("b", 2, 3, { status: "pending", type: "assistant" })],
      [{ message: "b", attempt: 1, next: 2, text: "so far" }],
    );
    return timeline;
  }

  it("shows it, and goes on from its number", () => {
    const timeline = restored();
    expect(timeline.shownSessions().map((row) => row.id)).toEqual(["t", "s"]);
    expect(timeline.shownMessages("s").map((row) => timeline.textOf(row))).toEqual(["a", "so far"]);
    expect(
      timeline.apply({ type: "changes", since: 7, seq: 9, more: false, sessions: [], messages: [] }),
    ).toBe("applied");
    expect(timeline.seq).toBe(9);
  });

  it("forgets what has not changed since, and nothing else, when the hub's page comes", () => {
    const timeline = restored();
    const kept = timeline.shownMessages("s");
    const b = message("b", 2, 8, { status: "complete", type: "assistant", content: "whole" });
    timeline.apply({ type: "reply.settled", seq: 8, messages: [b] });
    timeline.forget(kept);
    expect(timeline.shownMessages("s")).toEqual([b]);
  });
});

describe("what a timeline shows", () => {
  it("is ordered by time also where a fraction of a second is left out", () => {
    const timeline = new Timeline();
    const times = ["10:00:00.5Z", "10:00:00Z", "10:00:00.000001Z", "10:00:01Z"];
    timeline.apply(
      snapshot(
        4,
        times.map((time, seq) => session(time, seq, { updatedAt: `2026-03-01T${time}` })),
      ),
    );
    const shown = ["10:00:01Z", "10:00:00.5Z", "10:00:00.000001Z", "10:00:00Z"];
    expect(timeline.shownSessions().map((row) => row.id)).toEqual(shown);
  });

  it("is the same array until a row of it changes: 10,000 tokens in a session of 10,000 messages sort nothing", () => {
    const timeline = new Timeline();
    timeline.apply(snapshot(1, [session("s", 1)]));
    timeline.open("s");
    const rows = Array.from({ length: 10_000 }, (_, index) => message(`m${index}`, index + 1, 1));
    timeline.applyMessagePage(
      page([...rows, message("reply", 10_001, 1, { type: "assistant", status: "pending" })]),
    );
    const [shown, list] = [timeline.shownMessages("s"), timeline.shownSessions()];
    timeline.apply({ type: "reply.snapshot", message: "reply", attempt: 1, next: 0, text: "" });
    for (let chunk = 0; chunk < 10_000; chunk++) {
      timeline.apply({
        type: "token.added",
        message: "reply",
        attempt: 1,
        chunk,
        next: chunk + 1,
        text: "x",
      });
      expect(timeline.shownMessages("s") === shown && timeline.shownSessions() === list).toBe(true);
    }
    expect(timeline.replies.get("reply")?.text).toHaveLength(10_000);
    timeline.apply({
      type: "message.changed",
      seq: 2,
      messages: [message("m5", 6, 2, { content: "edited" })],
    });
    expect(timeline.shownMessages("s")).not.toBe(shown);
    expect(timeline.shownSessions()).toBe(list);
  });

  it("does not depend on how what happened was told: live, in pages of changes, or in a snapshot and a page", () => {
    for (let seed = 0; seed < 200; seed++) {
      const { below, of } = chance(seed);
      const hub = new History(chance(seed + 1_000));
      for (let count = below(40); count > 0; count--) hub.happen();
      const live = new Timeline();
      live.apply(snapshot(0, []));
      live.open("s");
      for (const event of hub.events) expect(live.apply(event)).toBe("applied");

      const caughtUp = new Timeline();
      caughtUp.apply(snapshot(0, []));
      caughtUp.open("s");
      while (caughtUp.seq < hub.seq) {
        const until = caughtUp.seq + 1 + below(hub.seq - caughtUp.seq);
        caughtUp.apply(hub.changes(caughtUp.seq, until));
        if (below(2) === 0) caughtUp.apply(of(hub.events)); // late, or too early: it changes nothing
      }

      const fresh = new Timeline();
      fresh.apply(snapshot(hub.seq, [...hub.sessions.values()]));
      fresh.open("s");
      fresh.applyMessagePage(page([...hub.messages.values()]));
      for (const device of [caughtUp, fresh]) {
        expect(device.shownSessions(), `seed ${seed}`).toEqual(live.shownSessions());
        expect(device.shownMessages("s"), `seed ${seed}`).toEqual(live.shownMessages("s"));
      }
    }
  });
});

/** What a hub has, and how it came about; of the session "s" as it is first, and of others. */
class History {
  seq = 0;
  readonly events: Event[] = [];
  readonly sessions = new Map<string, Session>();
  readonly messages = new Map<string, Message>();

  constructor(private readonly chance: Chance) {
    this.#put("session.added", [session("s", 1)], []);
  }

  happen(): void {
    const { below, of } = this.chance;
    const rows = [...this.messages.values()];
    const seq = this.seq + 1;
    const kind = below(4);
    if (kind === 0)
      this.#put("session.changed", [session(of(["s", "t", "u"]), seq, { title: `title ${seq}` })], []);
    else if (kind === 1 && rows.length > 0)
      this.#put("message.changed", [], [{ ...of(rows), seq, content: `${seq}` }]);
    else if (kind === 2 && rows.length > 0)
      this.#put("message.removed", [], [{ ...of(rows), seq, deletedAt: BEGUN }]);
    else this.#put("message.added", [session("s", seq)], [message(`m${seq}`, rows.length + 1, seq)]);
  }

  changes(since: number, until: number): Event {
    // As of now: a row that changed again later is told then.
    const changed = <T extends { seq: number }>(rows: Map<string, T>) =>
      [...rows.values()].filter((row) => row.seq > since && row.seq <= until);
    const [sessions, messages] = [changed(this.sessions), changed(this.messages)];
    return { type: "changes", since, seq: until, more: until < this.seq, sessions, messages };
  }

  #put(
    type: "session.added" | "session.changed" | "message.added" | "message.changed" | "message.removed",
    sessions: Session[],
    messages: Message[],
  ): void {
    this.seq += 1;
    for (const row of sessions) this.sessions.set(row.id, row);
    for (const row of messages) this.messages.set(row.id, row);
    this.events.push({ type, seq: this.seq, sessions, messages });
  }
}
