/** The session list: its days, its marks, and what was done here before the hub has said so. */
import { describe, expect, it } from "vitest";
import { grouped } from "../../src/lib/sessions/groups";
import { Answering, isUnread } from "../../src/lib/sessions/marks";
import { Overlays, tombstoneOf } from "../../src/lib/sessions/optimistic";
import { reply, session } from "./rows";

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
  const ids = (rows: ReturnType<typeof session>[]) => rows.map((row) => row.id);

  it("shows a new session at once, on top", () => {
    const overlays = new Overlays();
    overlays.add(session({ id: "new" }));
    expect(ids(overlays.overList([a, b], held(a, b)))).toEqual(["new", "a", "b"]);
  });

  it("shows a new session once when the hub has told of it before it answered", () => {
    const overlays = new Overlays();
    overlays.add(session({ id: "new" }));
    const told = session({ id: "new", title: "told", seq: 4 });
    expect(overlays.overList([told, a], held(told, a)).map((row) => row.title)).toEqual(["told", "Pho"]);
  });

  it("keeps a new name until the hub's row has come that holds it, and no longer", () => {
    const overlays = new Overlays();
    overlays.change("a", { title: "Broth" });
    overlays.settle("a", 4);
    expect(overlays.overList([a], held(a))[0]?.title).toBe("Broth");
    const later = { ...a, title: "Stock, says the phone", seq: 5 };
    expect(overlays.overList([later], held(later))[0]?.title).toBe("Stock, says the phone");
  });

  it("takes back what was refused", () => {
    const overlays = new Overlays();
    overlays.remove("a");
    expect(ids(overlays.overList([a, b], held(a, b)))).toEqual(["b"]);
    overlays.takeBack("a");
    expect(ids(overlays.overList([a, b], held(a, b)))).toEqual(["a", "b"]);
  });

  it("hides a deleted session, whatever was on its way, until the tombstone or what is after it is heard of", () => {
    const overlays = new Overlays();
    overlays.remove("a");
    const renamed = { ...a, title: "Late", seq: 4 };
    expect(ids(overlays.overList([renamed], held(renamed)))).toEqual([]);
    overlays.settle("a", tombstoneOf(renamed));
    expect(ids(overlays.overList([renamed], held(renamed)))).toEqual([]);
    const restored = { ...a, seq: 6 };
    expect(ids(overlays.overList([restored], held(restored)))).toEqual(["a"]);
  });

  it("names a session that is itself only here", () => {
    const overlays = new Overlays();
    overlays.add(session({ id: "new" }));
    overlays.change("new", { title: "Broth" });
    expect(overlays.over("new", null)?.title).toBe("Broth");
  });
});
