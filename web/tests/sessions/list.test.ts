/** The session list: its days, its marks, and what was done here before the hub has said so. */
import { describe, expect, it } from "vitest";
import { grouped } from "../../src/lib/sessions/groups";
import { Answering, isUnread } from "../../src/lib/sessions/marks";
import { newRow, Overlays, timeOnTop, tombstoneOf } from "../../src/lib/sessions/optimistic";
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

  it("shows a new session at once, on top, even if this clock is slow", () => {
    const overlays = new Overlays();
    const latest = session({ id: "z", updatedAt: new Date(Date.now() + 600_000).toISOString() });
    overlays.add(newRow("new", {}, timeOnTop(latest)));
    expect(ids(overlays.overList([latest, a, b], held(latest, a, b)))).toEqual(["new", "z", "a", "b"]);
  });

  it("shows what is added where its time puts it, so that no day comes twice", () => {
    const [today, month] = ["2026-03-30T10:00:00Z", "2026-03-10T10:00:00Z"];
    const rows = [
      session({ id: "t", updatedAt: today }),
      session({ id: "m3", updatedAt: "2026-03-12T10:00:00Z" }),
      session({ id: "m2", updatedAt: "2026-03-11T10:00:00.5Z" }),
      session({ id: "m1", updatedAt: month }),
    ];
    const overlays = new Overlays();
    overlays.remove("m2");
    for (const row of rows.slice(1, 3)) overlays.add(row);
    const shown = rows.filter((row) => row.id !== "m2" && row.id !== "m3");
    const list = overlays.overList(shown, held(...shown));
    expect(ids(list)).toEqual(["t", "m3", "m2", "m1"]);
    expect(grouped(list, new Date(today)).map((group) => group.age)).toEqual(["today", "month"]);
  });

  it("keeps the last of two names when the first is answered, and when the first is refused", () => {
    const overlays = new Overlays();
    const [first, second] = [overlays.change("a", { title: "One" }), overlays.change("a", { title: "Two" })];
    overlays.settle(first, 4);
    const one = { ...a, title: "One", seq: 4 };
    expect(overlays.overList([one], held(one))[0]?.title).toBe("Two");
    overlays.takeBack(first);
    expect(overlays.overList([one], held(one))[0]?.title).toBe("Two");
    overlays.settle(second, 5);
    const two = { ...a, title: "Two", seq: 5 };
    overlays.overList([two], held(two));
    const later = { ...two, title: "Three, says the phone", seq: 6 };
    expect(overlays.overList([later], held(later))[0]?.title).toBe("Three, says the phone");
  });

  it("shows a session all the time whose deletion is undone before it is answered", () => {
    const overlays = new Overlays();
    const deletion = overlays.remove("a");
    const undo = overlays.add(a);
    expect(ids(overlays.overList([a, b], held(a, b)))).toEqual(["a", "b"]);
    const tombstone = { ...a, seq: 4, deletedAt: "2026-03-01T10:00:01Z" };
    overlays.settle(deletion, 4);
    expect(ids(overlays.overList([b], held(tombstone, b)))).toContain("a");
    overlays.settle(undo, 5);
    expect(ids(overlays.overList([b], held(tombstone, b)))).toContain("a");
    const restored = { ...a, title: "Back", seq: 5 };
    expect(overlays.overList([restored, b], held(restored, b))[0]?.title).toBe("Back");
  });

  it("shows a new session once when the hub has told of it before it answered", () => {
    const overlays = new Overlays();
    overlays.add(session({ id: "new" }));
    const told = session({ id: "new", title: "told", seq: 4 });
    expect(overlays.overList([told, a], held(told, a)).map((row) => row.title)).toEqual(["told", "Pho"]);
  });

  it("keeps a new name until the hub's row has come that holds it, and no longer", () => {
    const overlays = new Overlays();
    overlays.settle(overlays.change("a", { title: "Broth" }), 4);
    expect(overlays.overList([a], held(a))[0]?.title).toBe("Broth");
    const later = { ...a, title: "Stock, says the phone", seq: 5 };
    expect(overlays.overList([later], held(later))[0]?.title).toBe("Stock, says the phone");
  });

  it("takes back what was refused", () => {
    const overlays = new Overlays();
    const shown = overlays.remove("a");
    expect(ids(overlays.overList([a, b], held(a, b)))).toEqual(["b"]);
    overlays.takeBack(shown);
    expect(ids(overlays.overList([a, b], held(a, b)))).toEqual(["a", "b"]);
  });

  it("hides a deleted session, whatever was on its way, until the tombstone or what is after it is heard of", () => {
    const overlays = new Overlays();
    const shown = overlays.remove("a");
    const renamed = { ...a, title: "Late", seq: 4 };
    expect(ids(overlays.overList([renamed], held(renamed)))).toEqual([]);
    overlays.settle(shown, tombstoneOf(renamed));
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
