/**
 * What a device has said and the hub may not have heard: queued → sent → acked → dropped. No I/O, no clock. The twin
 * of client/outbox.py.
 *
 * It outlives sockets: what was sent and not answered is said again, in the order in which it was given. So it takes
 * only commands that may be said twice. Acknowledged sends are kept for ten minutes, because a hub that comes back from
 * an older copy of its database may have forgotten them; and so are changes, because each tab shows them until it hears
 * of them. Refused sends are kept, with their text, until they are said again or forgotten. What adds and can't be done
 * now is no refusal: it is said again, later, for as long as it takes, and what was to be added to its session after
 * it, or to delete that, waits behind it. So is the opening of a session.
 *
 * What changes something outlives the page, too: it is written into a journal, which all tabs read. Each tab holds all
 * of it; but only the one that `speaksForAll` says it.
 *
 * It is long because what may be said now depends on all of these at once: apart, they would have to share the order.
 */

import {
  adds,
  canWait,
  idOf,
  lineOf,
  isGone,
  isChange,
  isLasting,
  isNotNow,
  isSend,
  type Change,
  type Lasting,
  type Repeatable,
  type Said,
  type Send,
} from "./commands";
import type { Answer, Problem } from "./wire";

/** Commands that are sent and not answered; the hub closes on a device that has 256 waiting. */
export const WINDOW = 64;
/** Seconds that what is acknowledged is kept. */
export const KEPT = 600;
/** Seconds after the hub has forgotten something in which another device may bring back the session of a send. */
export const MISSED = 60;

/** How the journal knows a lasting command, and what it says of it. `order`: its place among all. */
export interface Entry {
  id: string;
  order: number;
  command: Lasting;
  state: "queued" | "acked" | "failed";
  acked?: Acknowledgement;
  problem?: Problem;
}

/** When, under which epoch, and which number it has got. */
interface Acknowledgement {
  at: number;
  epoch: string | null;
  seq: number | null;
}

/** Where lasting commands are written down. */
export interface Journal {
  write(entry: Entry): void;
  strike(id: string): void;
  /** It was said just now: not to be written, but the other tabs may show it. */
  said(id: string): void;
}

/**
 * A command and how far it has come. `id`: of what is in the journal; `times`: how often it was said; `notBefore`: when
 * it may be said again; `renewedAt`: when the hub was last found to have forgotten what it had acknowledged; `problem`:
 * why it failed, or why it has to be said again.
 */
export interface Item {
  readonly ref: number;
  readonly id: string | null;
  readonly order: number;
  readonly command: Repeatable;
  state: "queued" | "sent" | "acked" | "failed";
  times: number;
  notBefore: number;
  renewedAt: number;
  acked?: Acknowledgement;
  problem?: Problem;
}
export type ItemOf<C extends Repeatable> = Item & { command: C };

/** Of one user. `now` is any clock in seconds that goes on while the outbox lives, and after it. */
export class Outbox {
  #speaksForAll = true;
  #lastRef = 0;
  #lastOrder = 0;
  #items = new Map<number, Item>();

  constructor(private readonly journal?: Journal) {}

  [Symbol.iterator](): IterableIterator<Item> {
    return this.#items.values();
  }

  get speaksForAll(): boolean {
    return this.#speaksForAll;
  }

  /** Who begins to speak for all says again what the one before has said and may not have heard the answer to. */
  set speaksForAll(speaks: boolean) {
    if (speaks && !this.#speaksForAll) this.#queueAgain((item) => item.id !== null);
    this.#speaksForAll = speaks;
  }

  /** For any command of the device, kept here or not. */
  freshRef(): number {
    return ++this.#lastRef;
  }

  /** Queue it, and say under which ref its answer comes. What waits already under its id is not held twice. */
  add(command: Repeatable): number {
    if (!isLasting(command)) return this.#hold(null, ++this.#lastOrder, command).ref;
    const id = idOf(command);
    const held = this.#withId(id);
    if (held?.state === "queued" || held?.state === "sent") return held.ref;
    if (held) this.#items.delete(held.ref);
    const item = this.#hold(id, ++this.#lastOrder, command);
    this.#write(item);
    return item.ref;
  }

  /** What is to be said now; it counts as sent. */
  due(now: number): Said[] {
    const sent = [...this].filter((item) => item.state === "sent" && this.#isOurs(item)).length;
    const due = this.#due(now).slice(0, Math.max(WINDOW - sent, 0));
    for (const item of due) {
      item.state = "sent";
      item.times += 1;
      if (item.id !== null) this.journal?.said(item.id);
    }
    return due.map((item) => ({ ...item.command, ref: item.ref }));
  }

  /** When something is due that is not now. Null: that does not depend on the time. */
  nextDue(now: number): number | null {
    const later = [...this].filter(
      (item) => item.state === "queued" && this.#isOurs(item) && item.notBefore > now,
    );
    return later.length > 0 ? Math.min(...later.map((item) => item.notBefore)) : null;
  }

  /** Something waits for the tab that speaks for all, which has not said it yet. */
  get waitsForAnother(): boolean {
    return [...this].some((item) => item.state === "queued" && !this.#isOurs(item));
  }

  /** The command that waits for its answer. */
  find(ref: number): Repeatable | null {
    const item = this.#items.get(ref);
    return item?.state === "sent" ? item.command : null;
  }

  /** The name in the journal of what was said under a ref. */
  idOf(ref: number): string | null {
    return this.#items.get(ref)?.id ?? null;
  }

  /** The last page of a session is asked for already, and will be said. */
  asksFor(session: string): boolean {
    return [...this].some(
      ({ command }) =>
        command.type === "session.open" && command.session === session && command.before === undefined,
    );
  }

  /** It is done. What the hub may have to be told again, and what tabs show before they hear of it, is kept for a while. */
  accept(ref: number, answer: Answer, epoch: string | null, now: number): void {
    const item = this.#items.get(ref);
    if (item && isLasting(item.command)) {
      item.state = "acked";
      delete item.problem;
      item.acked = { at: now, epoch, seq: "seq" in answer ? answer.seq : null };
      this.#write(item);
    } else if (item) {
      this.#drop(item);
    }
    this.#expire(now);
  }

  /** It can't be done now, and is said again then. False: it is refused, not now and not later. */
  postpone(ref: number, problem: Problem, until: number): boolean {
    const item = this.#items.get(ref);
    if (!item || !canWait(item.command) || !(isNotNow(problem) || isMissed(item, problem, until)))
      return false;
    item.state = "queued";
    item.problem = problem;
    item.notBefore = until;
    return true;
  }

  /** It will not be done. False: it was done before, so this refusal says nothing. */
  refuse(ref: number, problem: Problem): boolean {
    const item = this.#items.get(ref);
    if (!item) return true;
    if (isSend(item.command)) {
      item.state = "failed";
      item.problem = problem;
      this.#write(item);
    } else {
      this.#drop(item);
    }
    return !(item.times > 1 && isGone(item.command, problem));
  }

  /** The socket is gone: what was sent by it and not answered is to be said again. */
  lose(): void {
    this.#queueAgain((item) => this.#isOurs(item));
  }

  /** What was acknowledged lately under another epoch may be forgotten, and is to be said again, in order. */
  renew(epoch: string, now: number): void {
    this.#expire(now);
    if (!this.#speaksForAll) return;
    for (const item of this) {
      if (item.state !== "acked" || item.acked?.epoch === epoch || !adds(item.command)) continue;
      item.state = "queued";
      item.renewedAt = now;
      this.#write(item);
    }
    this.#sort();
  }

  /** Drop a send that has failed. */
  forgetMessage(message: string): void {
    const item = this.#withId(message);
    if (item?.state === "failed") this.#drop(item);
  }

  /** The sends that are held, in order. */
  sends(): ItemOf<Send>[] {
    return [...this].filter((item): item is ItemOf<Send> => isSend(item.command));
  }

  /** The changes that are held, in order. */
  changes(): ItemOf<Change>[] {
    return [...this].filter((item): item is ItemOf<Change> => isChange(item.command));
  }

  // What other tabs, and earlier ones, have written into the journal.

  /** An entry as it is now. `times`: what was queued by a page that is gone may have been said. */
  read(entry: Entry, times = 0): void {
    const held = this.#withId(entry.id);
    const item = held ?? this.#hold(entry.id, entry.order, entry.command);
    if (item.state !== "sent" || entry.state !== "queued") item.state = entry.state;
    item.times = Math.max(item.times, times);
    if (entry.acked) item.acked = entry.acked;
    if (entry.problem) item.problem = entry.problem;
    if (entry.order < this.#lastOrder) this.#sort();
    this.#lastOrder = Math.max(this.#lastOrder, entry.order);
  }

  readStruck(id: string): void {
    const held = this.#withId(id);
    if (held) this.#items.delete(held.ref);
  }

  readSaid(id: string): void {
    const held = this.#withId(id);
    if (held?.state !== "queued") return;
    held.state = "sent";
    held.times += 1;
  }

  /**
   * What is queued, in order, but for what is postponed, and what stands in its line behind it; and for the opening of
   * a session that is still to be made.
   */
  #due(now: number): Item[] {
    const held = new Set<string | null>();
    const unmade = new Set<string | undefined>();
    return [...this].filter((item) => {
      const { command } = item;
      const line = lineOf(command);
      const isEarly = command.type === "session.open" && unmade.has(command.session);
      const isHeld = item.notBefore > now || held.has(line) || isEarly;
      const isDue = item.state === "queued" && this.#isOurs(item) && !isHeld;
      if (isHeld && item.state === "queued" && line !== null) held.add(line);
      if (command.type === "session.create" && this.#isUnmade(item, isDue)) unmade.add(command.session);
      return isDue;
    });
  }

  /** What is sent, or about to be, over our own socket is done before what follows it. */
  #isUnmade(create: Item, isDue: boolean): boolean {
    if (create.state === "sent") return !this.#isOurs(create);
    return create.state === "queued" && !isDue;
  }

  #isOurs(item: Item): boolean {
    return item.id === null || this.#speaksForAll;
  }

  #withId(id: string): Item | undefined {
    for (const item of this) if (item.id === id) return item;
    return undefined;
  }

  #hold(id: string | null, order: number, command: Repeatable): Item {
    const fresh = { times: 0, notBefore: -Infinity, renewedAt: -Infinity };
    const item: Item = { ref: this.freshRef(), id, order, command, state: "queued", ...fresh };
    this.#items.set(item.ref, item);
    return item;
  }

  #write(item: Item): void {
    const { id, order, command, state, acked, problem } = item;
    if (id === null || !isLasting(command)) return;
    const entry: Entry = { id, order, command, state: state === "sent" ? "queued" : state };
    this.journal?.write({ ...entry, ...(acked && { acked }), ...(problem && { problem }) });
  }

  #drop(item: Item): void {
    this.#items.delete(item.ref);
    if (item.id !== null) this.journal?.strike(item.id);
  }

  #queueAgain(which: (item: Item) => boolean): void {
    for (const item of this) if (item.state === "sent" && which(item)) item.state = "queued";
  }

  /** Drop what was acknowledged long ago. */
  #expire(now: number): void {
    for (const item of [...this])
      if (item.acked && item.state === "acked" && now - item.acked.at >= KEPT) this.#drop(item);
  }

  #sort(): void {
    this.#items = new Map([...this.#items].sort(([, one], [, other]) => one.order - other.order));
  }
}

/** The session was forgotten, too, and whoever made it has not yet said so again. */
function isMissed(item: Item, problem: Problem, until: number): boolean {
  return problem.code === "not_found" && until < item.renewedAt + MISSED;
}
