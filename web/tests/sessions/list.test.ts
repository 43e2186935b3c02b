/** The session list: its days, its marks, and what was done here before the hub has said so. */
import { describe, expect, it } from "vitest";
import type { Change, Session } from "../../src/lib/client";
import { grouped } from "../../src/lib/sessions/groups";
import { Answering, isUnread } from "../../src/lib/sessions/marks";
import { changedRows, listWith } from "../../src/lib/sessions/optimistic";
import { reply, session } from "../rows";

const held = (...rows: ReturnType<typeof session>[]) => new Map(rows.map((row) => [row.id, row]));

describe("a session's day", () => {
  const now = new Date(2026, 2, 3, 0, 30);
  const ago = (hours: number) => new Date(now.getTime() - hours * 3_600_000).toISOString();

  it("is the reader's calendar day, not how many hours ago it was", () => {
    const rows = [ago(0.2), ago(1), ago(25), ago(30), ago(400), ago(4000)];
    const groups = grouped(
      rows.map((updatedAt, place) => session({ id: String(place), updatedAt })),
      now,
    );
    expect(groups.map((group) => [group.age, group.sessions.length])).toEqual([
      ["today", 1],
      ["yesterday", 1],
      ["week", 2],
      ["month", 1],
      ["older", 1],
    ]);
  });

  it("is today when the hub's clock is ahead", () => {
    expect(grouped([session({ id: "a", updatedAt: ago(-30) })], now)[0]?.age).toBe("today");
  });
});

describe("the mark of an unread session", () => {
  it("is there when something came after it was read", () => {
    expect(isUnread(session({ id: "a", messageCount: 2, readSeq: 4, seq: 7 }))).toBe(true);
  });

  it("goes when it is read through, which takes a number itself", () => {
    expect(isUnread(session({ id: "a", messageCount: 2, readSeq: 7, seq: 8 }))).toBe(false);
  });

  it("is not put on an empty session", () => {
    expect(isUnread(session({ id: "a", messageCount: 0, seq: 9 }))).toBe(false);
  });
});

describe("the mark of a session that is being answered", () => {
  const pending = reply({ id: "r", sessionId: "a", status: "pending" });
  const typing = { type: "typing.changed", session: "b", who: "tutor", name: "Tutor", active: true } as const;

  it("is there from the send until the reply has ended", () => {
    const answering = new Answering();
    answering.hear({ type: "message.added", seq: 1, sessions: [], messages: [pending] }, 0);
    expect(answering.sessions(60_000)).toEqual(new Set(["a"]));
    const ended = { ...pending, status: "complete" as const };
    answering.hear({ type: "reply.settled", seq: 2, sessions: [], messages: [ended] }, 0);
    expect(answering.sessions(60_000)).toEqual(new Set());
  });

  it("is put on a reply that began before this device came, for as long as the tutor says it is typing", () => {
    const answering = new Answering();
    expect(answering.hear(typing, 0)).toBe(true);
    expect(answering.hear(typing, 3_000)).toBe(false);
    expect(answering.sessions(8_000)).toEqual(new Set(["b"]));
    expect(answering.sessions(9_001)).toEqual(new Set());
  });

  it("is not put there by another device that is typing", () => {
    const answering = new Answering();
    expect(answering.hear({ ...typing, who: "phone-1" }, 0)).toBe(false);
    expect(answering.sessions(0).size).toBe(0);
  });

  it("is forgotten with everything else when a snapshot comes", () => {
    const answering = new Answering();
    answering.hear({ type: "message.added", seq: 1, sessions: [], messages: [pending] }, 0);
    answering.hear({ type: "snapshot", epoch: "e", seq: 3, sessions: [], cursor: null }, 0);
    expect(answering.sessions(0).size).toBe(0);
  });
});

describe("what was done here and is not yet heard of", () => {
  const [a, b] = [session({ id: "a", title: "Pho", seq: 3 }), session({ id: "b", seq: 2 })];
  const create = (id: string, title = ""): Change => ({ type: "session.create", session: id, title });
  const rename = (id: string, title: string): Change => ({ type: "session.update", session: id, title });
  const remove = (id: string): Change => ({ type: "session.delete", session: id });
  const restore = (id: string): Change => ({ type: "session.restore", session: id });

  const shown = (changes: Change[], listed: Session[], all = listed) =>
    listWith(changedRows(held(...all), changes, listed[0]), listed);
  const ids = (rows: Session[]) => rows.map((row) => row.id);
  const titles = (rows: Session[]) => rows.map((row) => row.title);

  it("shows new sessions at once, the last one on top, even if this clock is slow", () => {
    const latest = session({ id: "z", updatedAt: new Date(Date.now() + 600_000).toISOString() });
    expect(ids(shown([create("new"), create("last")], [latest, a]))).toEqual(["last", "new", "z", "a"]);
  });

  it("shows a new session once when the hub has told of it before it answered", () => {
    const told = session({ id: "new", title: "told", seq: 4 });
    expect(titles(shown([create("new", "mine")], [told, a]))).toEqual(["told", "Pho"]);
  });

  it("names a session that is itself only here", () => {
    expect(titles(shown([create("new"), rename("new", "Broth")], []))).toEqual(["Broth"]);
  });

  it("shows the last of two names, with what else was changed", () => {
    const learn: Change = { type: "session.update", session: "a", mode: "learn" };
    const [row] = shown([rename("a", "One"), learn, rename("a", "Two")], [a]);
    expect(row).toEqual({ ...a, title: "Two", mode: "learn" });
  });

  it("does not show a deleted session, also if it was renamed meanwhile", () => {
    expect(ids(shown([remove("a"), rename("a", "Late")], [a, b]))).toEqual(["b"]);
  });

  it("shows a session on top whose deletion is undone, be that heard of or not", () => {
    const changes = [remove("b"), restore("b")];
    expect(ids(shown(changes, [a, b]))).toEqual(["b", "a"]);
    const tombstone = { ...b, title: "Back", deletedAt: "2026-03-01T10:00:01Z" };
    expect(titles(shown(changes.slice(1), [a], [a, tombstone]))).toEqual(["Back", "Pho"]);
  });

  it("shows each where its time puts it, so that no day comes twice", () => {
    const listed = [
      session({ id: "m", updatedAt: "2026-03-12T10:00:00.5Z" }),
      session({ id: "n", updatedAt: "2026-03-12T10:00:00Z" }),
    ];
    const rows = shown([remove("n"), restore("n"), create("new")], listed);
    expect(ids(rows)).toEqual(["new", "n", "m"]);
    const ages = grouped(rows, new Date()).map((group) => group.age);
    expect(new Set(ages).size).toBe(ages.length);
  });

  it("does not bring a session into the list that is below its end", () => {
    const below = session({ id: "old", updatedAt: "2025-03-10T10:00:00Z" });
    const rows = changedRows(held(a, below), [rename("old", "Older")], a);
    expect([rows.get("old")?.title, ids(listWith(rows, [a]))]).toEqual(["Older", ["a"]]);
  });
});
