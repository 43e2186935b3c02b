import { describe, expect, it } from "vitest";
import type { Message } from "../../src/lib/client";
import { Announcer } from "../../src/lib/chat/announcer.svelte";

const reply = (changes: Partial<Message>): Message => ({
  id: "r1",
  sessionId: "s",
  position: 2,
  type: "assistant",
  content: "",
  status: "pending",
  createdAt: "2026-03-03T10:00:00Z",
  seq: 1,
  ...changes,
});

/** What was said, each time that it changed. */
function heard(steps: [open: string[], rows: Message[]][]): unknown[] {
  const announcer = new Announcer();
  const said: unknown[] = [];
  for (const [open, rows] of steps) {
    announcer.hear(open, (id) => rows.find((row) => row.id === id));
    if (announcer.said !== said.at(-1)) said.push(announcer.said);
  }
  return said;
}

describe("what a screen reader is told (B24)", () => {
  it("is that the tutor is answering, once, and then the answer, once", () => {
    const done = reply({ status: "complete", content: "**Two**." });
    const steps: [string[], Message[]][] = [
      [["r1"], [reply({})]],
      [["r1"], [reply({})]],
      [[], [done]],
      [[], [done]],
    ];
    expect(heard(steps)).toEqual([{ kind: "answering" }, { kind: "answer", text: "Two." }]);
  });

  it("is nothing of answers that were there before", () => {
    expect(heard([[[], [reply({ status: "complete", content: "Old." })]]])).toEqual([null]);
  });

  it("is that an answer was stopped, or failed", () => {
    const end = (changes: Partial<Message>) =>
      heard([
        [["r1"], []],
        [[], [reply(changes)]],
      ]).at(-1);
    expect(end({ status: "stopped", content: "Tw" })).toEqual({ kind: "stopped", text: "Tw" });
    expect(end({ status: "failed" })).toEqual({ kind: "failed" });
  });

  it("is the answer rather than that the next one has begun", () => {
    const done = reply({ status: "complete", content: "Two." });
    expect(
      heard([
        [["r1"], []],
        [["r2"], [done, reply({ id: "r2" })]],
      ]).at(-1),
    ).toEqual({ kind: "answer", text: "Two." });
  });

  it("is nothing of an answer that was deleted", () => {
    expect(
      heard([
        [["r1"], []],
        [[], [reply({ deletedAt: "2026-03-03T10:01:00Z" })]],
      ]),
    ).toEqual([{ kind: "answering" }]);
  });
});
