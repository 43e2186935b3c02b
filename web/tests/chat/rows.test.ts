import { describe, expect, it } from "vitest";
import { type Message, type PendingChange, type PendingSend, Timeline } from "../../src/lib/client";
import { Rows } from "../../src/lib/chat/rows.svelte";
import { countAfter, lastPosition } from "../../src/lib/chat/row.svelte";
import { session } from "../rows";

const SESSION = "00000000-0000-4000-8000-000000000001";
const AT = "2026-03-03T10:00:00Z";

const ROW = session({ id: SESSION, messageCount: 6 });

function message(position: number, changes: Partial<Message> = {}): Message {
  const base = {
    id: `m${position}`,
    sessionId: SESSION,
    position,
    content: `text ${position}`,
    createdAt: AT,
    seq: position,
  };
  return { ...base, type: position % 2 ? "user" : "assistant", ...changes };
}

/** What rows are read from: a timeline that has opened the session, and the sends and changes of an outbox. */
class Reading {
  timeline = new Timeline();
  sends: PendingSend[] = [];
  changes: PendingChange[] = [];
  rows = new Rows(
    { timeline: this.timeline, pendingSends: () => this.sends, pendingChanges: () => this.changes },
    SESSION,
  );

  constructor() {
    this.timeline.apply({ type: "snapshot", epoch: "e", seq: 0, sessions: [], cursor: null });
    this.timeline.open(SESSION);
  }

  hear(...messages: Message[]): void {
    this.timeline.apply({ type: "message.added", seq: this.timeline.seq + 1, messages });
    this.rows.showAll();
  }

  get shown(): string[] {
    return this.rows.shown.map((row) => `${row.id} ${row.standing}`);
  }
}

const pending = (changes: Partial<PendingSend> = {}): PendingSend => {
  return { session: SESSION, message: "m3", content: "and then?", state: "queued", ...changes };
};

describe("rows of a conversation", () => {
  it("show a message that is sent after all others, and keep its row when the hub has it", () => {
    const reading = new Reading();
    reading.hear(message(1), message(2, { status: "complete" }));
    reading.sends = [pending()];
    reading.rows.showAll();
    expect(reading.shown).toEqual(["m1 sent", "m2 answered", "m3 queued"]);
    const row = reading.rows.shown[2];
    reading.sends = [pending({ state: "sent" })];
    reading.rows.showAll();
    expect(row?.standing).toBe("sending");
    reading.hear(message(3));
    reading.sends = [];
    reading.rows.showAll();
    expect(reading.shown).toEqual(["m1 sent", "m2 answered", "m3 sent"]);
    expect(reading.rows.shown[2]).toBe(row);
  });

  it("show a message once that is both in the timeline and still in the outbox", () => {
    const reading = new Reading();
    reading.sends = [pending({ message: "m1", state: "sent" })];
    reading.hear(message(1));
    expect(reading.shown).toEqual(["m1 sent"]);
  });

  it("show an edited message as it will be, and how far that has come, until it is done or refused", () => {
    const reading = new Reading();
    reading.hear(message(1), message(2, { status: "complete" }));
    const [row] = reading.rows.shown;
    const edit = (content: string) => ({ type: "message.edit", message: "m1", content }) as const;
    reading.changes = [
      { change: edit("one"), state: "sent" },
      { change: edit("another"), state: "queued" },
    ];
    reading.rows.showAll();
    expect([row?.text, row?.standing]).toEqual(["another", "queued"]);
    reading.changes = [];
    reading.rows.showAll();
    expect([row?.text, row?.standing]).toEqual(["text 1", "sent"]);
  });

  it("do not show a message that is deleted, unless that is refused", () => {
    const reading = new Reading();
    reading.changes = [{ change: { type: "message.delete", message: "m2" }, state: "queued" }];
    reading.hear(message(1), message(2, { status: "complete" }));
    expect(reading.shown).toEqual(["m1 sent"]);
    reading.changes = [];
    reading.rows.showAll();
    expect(reading.shown).toEqual(["m1 sent", "m2 answered"]);
  });

  it("let a token change the one row that it belongs to, and no list", () => {
    const reading = new Reading();
    reading.hear(message(1), message(2, { status: "pending", content: "" }));
    const { shown } = reading.rows;
    expect(reading.shown).toEqual(["m1 sent", "m2 thinking"]);
    reading.timeline.apply({ type: "reply.snapshot", message: "m2", attempt: 1, next: 0, text: "" });
    reading.timeline.apply({
      type: "token.added",
      message: "m2",
      attempt: 1,
      chunk: 0,
      next: 1,
      text: "Two",
    });
    reading.rows.showText("m2");
    expect(reading.rows.shown).toBe(shown);
    expect([reading.shown[1], shown[1]?.text]).toEqual(["m2 writing", "Two"]);
  });

  it("have follow-ups wait behind the reply that is being written", () => {
    const reading = new Reading();
    const open = { status: "pending", content: "" } as const;
    reading.hear(message(1), message(2, open), message(3), message(4, open));
    expect(reading.shown).toEqual(["m1 sent", "m2 thinking", "m3 sent", "m4 waiting"]);
    expect(reading.rows.open).toEqual(["m2", "m4"]);
    reading.hear(message(2, { status: "stopped", content: "Tw", seq: 9 }));
    expect(reading.shown).toEqual(["m1 sent", "m2 stopped", "m3 sent", "m4 thinking"]);
  });

  it("stay as they are while everything is read anew, and until the page has come", () => {
    const reading = new Reading();
    reading.hear(message(1), message(2, { status: "complete" }));
    const { shown } = reading.rows;
    reading.timeline.apply({ type: "snapshot", epoch: "f", seq: 7, sessions: [], cursor: null });
    reading.timeline.open(SESSION);
    reading.rows.showAll();
    expect(reading.rows.shown).toBe(shown);
  });

  it("stay as they are for whoever reads far up, until the pages have come as far again", () => {
    const reading = new Reading();
    for (const position of [1, 2, 3, 4, 5, 6]) reading.hear(message(position, { status: "complete" }));
    const { shown } = reading.rows;
    const all = (...changed: Message[]) => {
      const rows = [1, 2, 3, 4, 5, 6].map((position) => message(position, { status: "complete" }));
      return rows.map((row) => changed.find((each) => each.id === row.id) ?? row);
    };
    const page = (messages: Message[], before: string | null) =>
      reading.timeline.applyMessagePage({ session: ROW, messages, replies: [], before, after: null });
    reading.timeline.apply({ type: "snapshot", epoch: "f", seq: 7, sessions: [ROW], cursor: null });
    reading.timeline.open(SESSION);
    page(all().slice(4), "before 5");
    reading.rows.showAll(true);
    expect([reading.rows.shown, reading.rows.isBehind]).toEqual([shown, true]);
    const edited = message(3, { status: "complete", content: "edited meanwhile", seq: 9 });
    page(all(edited).slice(2, 4), "before 3");
    reading.rows.showAll(true);
    expect([shown[2]?.text, reading.rows.isBehind]).toEqual(["edited meanwhile", true]);
    page(all().slice(1, 2), null); // and the first one was deleted
    reading.rows.showAll(true);
    expect([reading.rows.shown, reading.rows.isBehind]).toEqual([shown.slice(1), false]);
  });

  it("at the end are what the hub has sent, and nothing of before", () => {
    const reading = new Reading();
    reading.hear(message(1), message(2, { status: "complete" }));
    reading.timeline.apply({ type: "snapshot", epoch: "f", seq: 7, sessions: [ROW], cursor: null });
    reading.timeline.open(SESSION);
    const messages = [message(2, { status: "complete" })];
    reading.timeline.applyMessagePage({
      session: ROW,
      messages,
      replies: [],
      before: "before 2",
      after: null,
    });
    reading.rows.showAll(false);
    expect([reading.shown, reading.rows.isBehind]).toEqual([["m2 answered"], false]);
  });

  it("count what came after the place up to which one has read", () => {
    const reading = new Reading();
    reading.hear(message(1), message(2, { status: "complete" }));
    const seen = lastPosition(reading.rows.shown);
    reading.sends = [pending({ message: "mine" })];
    reading.hear(message(3), message(4, { status: "pending" }));
    expect(countAfter(reading.rows.shown, seen)).toBe(2);
    expect(countAfter(reading.rows.shown, 99)).toBe(0);
  });
});
