// @vitest-environment node
// What the outbox of a device keeps, says again and lets go: the cases of tests/client/test_outbox.py, and tabs.

import { beforeEach, describe, expect, it } from "vitest";
import { freshId } from "../../src/lib/client";
import { NOT_NOW, type Said } from "../../src/lib/client/commands";
import { KEPT, MISSED, Outbox, WINDOW, type Entry } from "../../src/lib/client/outbox";
import type { Answer, Problem, Reason } from "../../src/lib/client/wire";

const SESSIONS = [freshId(), freshId()] as const;
const NOTHING: Answer = {};

function problem(code: Reason = "idempotency_conflict", retryable = false): Problem {
  return { type: "about:blank", title: "No", status: 409, detail: "no", code, retryable };
}

/** Queues a message, and says under which ref. */
function send(outbox: Outbox, content = "hello", session: string = SESSIONS[0], message = freshId()): number {
  return outbox.add({ type: "message.send", session, message, content });
}

function refs(said: Said[]): number[] {
  return said.map((command) => command.ref);
}

function states(outbox: Outbox): string[] {
  return outbox.sends().map((item) => item.state);
}

describe("an outbox", () => {
  let outbox: Outbox;
  beforeEach(() => {
    outbox = new Outbox();
  });

  it("gives what is added once, in order", () => {
    const sends = [1, 2, 3].map(() => send(outbox));
    expect(refs(outbox.due(0))).toEqual(sends);
    expect(outbox.due(0)).toEqual([]);
  });

  it("has only so many sent without an answer", () => {
    const sends = Array.from({ length: WINDOW + 2 }, () => send(outbox));
    expect(refs(outbox.due(0))).toEqual(sends.slice(0, WINDOW));
    outbox.accept(sends[5] ?? 0, NOTHING, "e", 0);
    expect(refs(outbox.due(0))).toEqual([sends[WINDOW]]);
  });

  it("says again what was sent and not answered, before what came later", () => {
    const [first, second] = [send(outbox), send(outbox)];
    outbox.due(0);
    outbox.accept(first, NOTHING, "e", 0);
    const later = send(outbox);
    outbox.lose();
    expect(refs(outbox.due(0))).toEqual([second, later]);
  });

  it("keeps the text of a refused send until it is said again", () => {
    const message = freshId();
    const ref = send(outbox, "precious", SESSIONS[0], message);
    outbox.due(0);
    expect(outbox.refuse(ref, problem())).toBe(true);
    expect(outbox.sends()).toMatchObject([
      { state: "failed", command: { content: "precious" }, problem: problem() },
    ]);
    expect(outbox.due(0)).toEqual([]);
    const again = send(outbox, "precious", SESSIONS[0], message);
    expect(states(outbox)).toEqual(["queued"]);
    expect(refs(outbox.due(0))).toEqual([again]);
  });

  it("does not hold a send twice that waits already", () => {
    const message = freshId();
    const ref = send(outbox, "once", SESSIONS[0], message);
    expect(send(outbox, "once", SESSIONS[0], message)).toBe(ref);
    outbox.due(0);
    expect(send(outbox, "once", SESSIONS[0], message)).toBe(ref);
    expect(outbox.due(0)).toEqual([]);
  });

  it.each([...NOT_NOW])("says a send again then that cannot be done now: %s", (reason) => {
    const ref = send(outbox);
    outbox.due(0);
    expect(outbox.postpone(ref, problem(reason, true), 5)).toBe(true);
    expect(states(outbox)).toEqual(["queued"]);
    expect([outbox.due(4.9), outbox.nextDue(4.9)]).toEqual([[], 5]);
    expect([refs(outbox.due(5)), outbox.nextDue(5)]).toEqual([[ref], null]);
    expect(outbox.postpone(ref, problem(reason, true), 10), "for as long as it takes").toBe(true);
  });

  it("has what follows a postponed send wait behind it in its session and nowhere else", () => {
    const create = outbox.add({ type: "session.create", session: SESSIONS[0] });
    outbox.due(0);
    const [first, other] = [send(outbox), send(outbox, "hello", SESSIONS[1])];
    const listing = outbox.add({ type: "session.list" });
    outbox.postpone(create, problem("unavailable", true), 5);
    expect(refs(outbox.due(0))).toEqual([other, listing]);
    expect(refs(outbox.due(5))).toEqual([create, first]);
  });

  it("does not open a session that is still to be made", () => {
    const create = outbox.add({ type: "session.create", session: SESSIONS[0] });
    const [open, other] = SESSIONS.map((session) => outbox.add({ type: "session.open", session }));
    expect(refs(outbox.due(0))).toEqual([create, open, other]);
    outbox.lose();
    expect(refs(outbox.due(0))).toEqual([create, open, other]);
    outbox.lose();
    outbox.due(0);
    outbox.postpone(create, problem("unavailable", true), 5);
    outbox.lose();
    expect(refs(outbox.due(0))).toEqual([other]);
    expect(refs(outbox.due(5))).toEqual([create, open]);
  });

  it("deletes no session before what was to be added to it, and restores none before it is deleted", () => {
    const ref = send(outbox);
    outbox.due(0);
    const [own, other] = SESSIONS.map((session) => outbox.add({ type: "session.delete", session }));
    const undo = outbox.add({ type: "session.restore", session: SESSIONS[0] });
    outbox.postpone(ref, problem("unavailable", true), 5);
    expect(refs(outbox.due(0))).toEqual([other]);
    expect(refs(outbox.due(5))).toEqual([ref, own, undo]);
  });

  it.each<[Reason, boolean]>([
    ["not_found", false],
    ["reply_running", true],
    ["unavailable", false],
  ])("does not postpone what is refused for another reason: %s, %s", (reason, retryable) => {
    const ref = send(outbox);
    outbox.due(0);
    expect(outbox.postpone(ref, problem(reason, retryable), 5)).toBe(false);
  });

  it("has the opening of a session wait, and with it what opens and closes it later", () => {
    const opening = outbox.add({ type: "session.open", session: SESSIONS[0] });
    outbox.due(0);
    expect(outbox.postpone(opening, problem("rate_limited", true), 5)).toBe(true);
    const closing = outbox.add({ type: "session.close", session: SESSIONS[0] });
    const again = outbox.add({ type: "session.open", session: SESSIONS[0] });
    const other = outbox.add({ type: "session.open", session: SESSIONS[1] });
    const message = send(outbox);
    expect(refs(outbox.due(0))).toEqual([other, message]);
    expect(refs(outbox.due(5))).toEqual([opening, closing, again]);
  });

  it("does not postpone what adds nothing: a late rename could undo another's", () => {
    const rename = outbox.add({ type: "session.update", session: SESSIONS[0], title: "x" });
    const question = outbox.add({ type: "session.list" });
    outbox.due(0);
    for (const ref of [rename, question])
      expect(outbox.postpone(ref, problem("unavailable", true), 5)).toBe(false);
  });

  it("forgets a failed send, and no other", () => {
    const [message, other] = [freshId(), freshId()];
    const ref = send(outbox, "a", SESSIONS[0], message);
    send(outbox, "b", SESSIONS[0], other);
    outbox.due(0);
    outbox.refuse(ref, problem());
    outbox.forgetMessage(message);
    outbox.forgetMessage(other);
    expect(outbox.sends().map((item) => item.command.message)).toEqual([other]);
  });

  it("does not keep another refused command", () => {
    const ref = outbox.add({ type: "session.update", session: SESSIONS[0], title: "x" });
    outbox.due(0);
    expect(outbox.refuse(ref, problem())).toBe(true);
    expect([...outbox]).toEqual([]);
  });

  it("takes a deletion for done that is said again and finds nothing, and not one that was said once", () => {
    const [again, once] = [1, 2].map(() => outbox.add({ type: "message.delete", message: freshId() }));
    outbox.due(0);
    expect(outbox.refuse(once ?? 0, problem("not_found"))).toBe(true);
    outbox.lose();
    outbox.due(0);
    expect(outbox.refuse(again ?? 0, problem("not_found"))).toBe(false);
  });

  it("says what adds again to a hub of another epoch, in order, and nothing else", () => {
    const create = outbox.add({ type: "session.create", session: SESSIONS[0] });
    const message = send(outbox);
    outbox.add({ type: "session.update", session: SESSIONS[0], title: "x" });
    for (const { ref } of outbox.due(0)) outbox.accept(ref, NOTHING, "old", 0);
    const waiting = send(outbox);
    outbox.renew("old", KEPT - 2);
    expect(refs(outbox.due(0))).toEqual([waiting]);
    outbox.lose();
    outbox.renew("new", KEPT - 1);
    expect(refs(outbox.due(0))).toEqual([create, message, waiting]);
  });

  it("waits for the session of what the hub has forgotten to be brought back, but not for ever", () => {
    const ref = send(outbox);
    outbox.due(0);
    outbox.accept(ref, NOTHING, "old", 0);
    outbox.renew("new", 10);
    expect(refs(outbox.due(10))).toEqual([ref]);
    expect(outbox.postpone(ref, problem("not_found"), 11)).toBe(true);
    expect(refs(outbox.due(11))).toEqual([ref]);
    expect(outbox.postpone(ref, problem("not_found"), 10 + MISSED)).toBe(false);
  });

  it("drops what was acknowledged long ago", () => {
    const ref = send(outbox);
    outbox.due(0);
    outbox.accept(ref, NOTHING, "old", 5);
    outbox.renew("new", 5 + KEPT);
    expect([...outbox]).toEqual([]);
  });

  it("keeps a change that is done for tabs to show, and does not say it again to a hub that has forgotten it", () => {
    const ref = outbox.add({ type: "session.update", session: SESSIONS[0], title: "Broth" });
    outbox.due(0);
    outbox.accept(ref, NOTHING, "e", 0);
    expect(outbox.changes()).toMatchObject([{ state: "acked", command: { title: "Broth" } }]);
    outbox.renew("another", 1);
    expect(outbox.due(1)).toEqual([]);
    outbox.renew("another", KEPT);
    expect(outbox.changes()).toEqual([]);
  });

  it("is not changed by an answer to what was not asked", () => {
    outbox.accept(7, NOTHING, "e", 0);
    expect(outbox.refuse(7, problem())).toBe(true);
    expect(outbox.find(7)).toBeNull();
  });
});

/** The outboxes of two tabs; what one writes the other reads at once. */
class TwoTabs {
  readonly written = new Map<string, Entry>();
  readonly sender: Outbox = this.#tab(() => this.other);
  readonly other: Outbox = this.#tab(() => this.sender);

  constructor() {
    this.other.speaksForAll = false;
  }

  #tab(neighbour: () => Outbox): Outbox {
    return new Outbox({
      write: (entry) => {
        this.written.set(entry.id, structuredClone(entry));
        neighbour().read(structuredClone(entry));
      },
      strike: (id) => {
        this.written.delete(id);
        neighbour().readStruck(id);
      },
      said: (id) => neighbour().readSaid(id),
    });
  }
}

describe("two tabs", () => {
  it("say through one of them what either was told to say", () => {
    const tabs = new TwoTabs();
    send(tabs.other, "from the other");
    send(tabs.sender, "from the sender");
    expect(tabs.other.waitsForAnother).toBe(true);
    expect(tabs.other.due(0)).toEqual([]);
    const said = tabs.sender.due(0);
    expect(said).toMatchObject([{ content: "from the other" }, { content: "from the sender" }]);
    expect(states(tabs.other)).toEqual(["sent", "sent"]);
    expect(tabs.other.waitsForAnother).toBe(false);
    for (const { ref } of said) tabs.sender.accept(ref, NOTHING, "e", 0);
    expect(states(tabs.other)).toEqual(["acked", "acked"]);
  });

  it("ask their questions each for itself", () => {
    const tabs = new TwoTabs();
    const ref = tabs.other.add({ type: "session.list" });
    expect(refs(tabs.other.due(0))).toEqual([ref]);
    expect(tabs.sender.due(0)).toEqual([]);
  });

  it("open a session once the one that speaks has made it", () => {
    const tabs = new TwoTabs();
    tabs.other.add({ type: "session.create", session: SESSIONS[0] });
    const open = tabs.other.add({ type: "session.open", session: SESSIONS[0] });
    expect(tabs.other.due(0)).toEqual([]);
    const [create] = tabs.sender.due(0);
    expect(tabs.other.due(0)).toEqual([]);
    tabs.sender.accept(create?.ref ?? 0, NOTHING, "e", 0);
    expect(refs(tabs.other.due(0))).toEqual([open]);
  });

  it("lose nothing when the one that spoke is gone: the other says again what was not acknowledged", () => {
    const tabs = new TwoTabs();
    for (const text of ["one", "two"]) send(tabs.other, text);
    const [one] = tabs.sender.due(0);
    tabs.sender.accept(one?.ref ?? 0, NOTHING, "e", 0);
    tabs.other.lose();
    expect(states(tabs.other)).toEqual(["acked", "sent"]);
    tabs.other.speaksForAll = true;
    expect(tabs.other.due(0)).toMatchObject([{ content: "two" }]);
  });

  it("write down what a page that is opened later says again, in order", () => {
    const tabs = new TwoTabs();
    for (const text of ["one", "two", "three"]) send(tabs.sender, text);
    const [one, two] = tabs.sender.due(0);
    tabs.sender.accept(one?.ref ?? 0, NOTHING, "e", 0);
    tabs.sender.refuse(two?.ref ?? 0, problem());
    const later = new Outbox();
    for (const entry of tabs.written.values()) later.read(entry, 1);
    expect(states(later)).toEqual(["acked", "failed", "queued"]);
    expect(later.due(0)).toMatchObject([{ content: "three" }]);
    send(later, "four");
    expect(later.sends().map((item) => item.command.content)).toEqual(["one", "two", "three", "four"]);
  });
});
