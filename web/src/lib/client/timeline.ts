/**
 * What a device shows after what it was told: the twin of protocol/timeline.py. No I/O, no clock.
 *
 * Its law: with the cursor at `seq`, every row of its windows whose number is at most `seq` is held exactly as it is.
 * Windows: the session list down to the oldest loaded, and the messages of each opened session from the oldest loaded
 * position. What is heard of rows outside is held and not shown, and so are tombstones.
 *
 * Lists are made when they are asked for, and kept until a row of theirs changes: a token changes none.
 *
 * It is long because every event touches what the law is about, and so that it can be read beside its twin.
 */

import type {
  Changes,
  Degraded,
  Event,
  Message,
  MessageAdded,
  MessageChanged,
  MessagePage,
  MessageRemoved,
  Reply,
  ReplySettled,
  ReplySnapshot,
  Session,
  SessionAdded,
  SessionChanged,
  SessionPage,
  SessionRemoved,
  Snapshot,
  TokenAdded,
  TypingChanged,
} from "./wire";

/** Seconds that a `typing.changed` is believed. */
export const TYPING_BELIEVED = 6;

/** `gap`: numbers are missing before the event, and nothing was changed. */
export type Outcome = "applied" | "gap";
export type Trouble = Degraded["what"][number];
/** What people call somebody who is typing, and when they last said so. */
export interface Typist {
  readonly session: string;
  readonly name: string;
  readonly at: number;
}

interface Rows {
  readonly held: Map<string, Message>;
  shown: Message[] | null;
}
type Durable =
  | SessionAdded
  | SessionChanged
  | SessionRemoved
  | MessageAdded
  | MessageChanged
  | MessageRemoved
  | ReplySettled;

/** The order of the session list, which is shown from the highest down. */
export function sessionKey(session: Session): string {
  return `${sortable(session.updatedAt)} ${session.id}`;
}

/** A time of the hub's, which leaves out a fraction that is nought, in a form whose order is that of the letters. */
function sortable(time: string): string {
  const [seconds = "", fraction = ""] = time.slice(0, -1).split(".");
  return `${seconds}.${fraction.padEnd(6, "0")}`;
}

/** What is held of a reply after a live event; the same object when the event does not fit. */
function advanced(held: Reply | undefined, event: TokenAdded | ReplySnapshot): Reply | undefined {
  if (event.type === "reply.snapshot") {
    if (held && event.attempt < held.attempt) return held;
    return { message: event.message, attempt: event.attempt, next: event.next, text: event.text };
  }
  if (!held || event.attempt !== held.attempt || event.chunk !== held.next) return held;
  return { ...held, next: event.next, text: held.text + event.text };
}

/** One device's state. Feed it events in the order they came, and pages when they are answered. */
export class Timeline {
  epoch: string | null = null;
  seq = 0;
  readonly sessions = new Map<string, Session>();
  oldest: string | null = null;
  /** Each opened session, and the position from which its messages are held (null: no page has come yet). */
  readonly opened = new Map<string, number | null>();
  readonly messages = new Map<string, Message>();
  readonly replies = new Map<string, Reply>();
  readonly typists = new Map<string, Typist>();
  degraded: Trouble[] = [];

  readonly #rows = new Map<string, Rows>();
  #list: Session[] | null = null;

  // What the device does.

  /** To be called when `session.open` is said: until its page comes, everything of the session is kept. */
  open(session: string): void {
    if (!this.opened.has(session)) this.opened.set(session, null);
  }

  /** To be called when `session.open` was refused: unless a page of it is held, it is not opened. */
  openRefused(session: string): void {
    if (this.opened.get(session) === null) this.close(session);
  }

  /** The session's messages are no longer held. */
  close(session: string): void {
    this.opened.delete(session);
    for (const id of this.#rows.get(session)?.held.keys() ?? []) {
      this.messages.delete(id);
      this.replies.delete(id);
    }
    this.#rows.delete(session);
  }

  // What the device is told.

  /** Bring the state up to an event; `now` is any clock in seconds, for typing alone. */
  apply(event: Event, now = 0): Outcome {
    switch (event.type) {
      case "snapshot":
        this.#replace(event);
        break;
      case "changes":
        return this.#applyChanges(event);
      case "token.added":
      case "reply.snapshot":
        this.#applyLive(event);
        break;
      case "typing.changed":
        this.#applyTyping(event, now);
        break;
      case "degraded":
        this.degraded = event.what;
        break;
      case "welcome":
        this.degraded = [];
        break;
      case "session.added":
      case "session.changed":
      case "session.removed":
      case "message.added":
      case "message.changed":
      case "message.removed":
      case "reply.settled":
        return this.#applyDurable(event);
    }
    return "applied";
  }

  /** The page of sessions below the oldest held. */
  applySessionPage(page: SessionPage): void {
    const last = page.sessions.at(-1);
    if (last) this.oldest = sessionKey(last);
    if (page.cursor === null) this.oldest = null;
    this.#list = null;
    this.#putAll(page.sessions, []);
  }

  /** A page of a session that is (still) opened: the last one, or the one before the oldest held. */
  applyMessagePage(page: MessagePage): void {
    const session = page.session.id;
    this.#putSession(page.session);
    const held = this.opened.get(session);
    if (held === undefined) return;
    const begins = (page.before !== null && page.messages[0]?.position) || 1;
    this.opened.set(session, held === null ? begins : Math.min(begins, held));
    this.#forgetShown(session);
    this.#putAll([], page.messages);
    for (const reply of page.replies) this.#applyLive({ type: "reply.snapshot", ...reply });
  }

  // What was kept on this machine of an earlier time.

  /** Begin with the session list as it was at a number. */
  restore(list: { epoch: string; seq: number; sessions: Session[]; oldest: string | null }): void {
    this.epoch = list.epoch;
    this.seq = list.seq;
    this.oldest = list.oldest;
    this.#putAll(list.sessions, []);
  }

  /** Messages of an opened session whose first page has not come. They may be out of date. */
  recall(messages: Message[], replies: Reply[]): void {
    this.#putAll([], messages);
    for (const reply of replies) this.#applyLive({ type: "reply.snapshot", ...reply });
  }

  /** Messages that are no longer held, unless something newer of them is. */
  forget(messages: Message[]): void {
    for (const row of messages) {
      if (this.messages.get(row.id) !== row) continue;
      this.messages.delete(row.id);
      this.#rows.get(row.sessionId)?.held.delete(row.id);
      this.#forgetShown(row.sessionId);
    }
  }

  // What it shows.

  /** The session list, the latest first. The same array until it changes. */
  shownSessions(): Session[] {
    this.#list ??= this.#sortedSessions();
    return this.#list;
  }

  /** An opened session's messages in order. The same array until one changes; of a pending one, see `textOf`. */
  shownMessages(session: string): Message[] {
    const rows = this.#rows.get(session);
    if (!rows) return [];
    rows.shown ??= this.#sortedMessages(session, rows);
    return rows.shown;
  }

  /** The text that is shown: of a pending reply, what is written so far. */
  textOf(message: Message): string {
    return this.replies.get(message.id)?.text ?? message.content;
  }

  /** The names of those who are typing. */
  typingIn(session: string, now: number): string[] {
    const typists = [...this.typists.values()];
    return typists
      .filter((each) => each.session === session && now - each.at < TYPING_BELIEVED)
      .map((each) => each.name);
  }

  // How rows get in.

  #applyChanges(event: Changes): Outcome {
    if (event.since > this.seq) return "gap";
    this.#putAll(event.sessions, event.messages);
    this.seq = Math.max(this.seq, event.seq);
    return "applied";
  }

  #applyDurable(event: Durable): Outcome {
    if (event.seq > this.seq + 1) return "gap";
    if (event.seq === this.seq + 1) {
      this.#putAll(event.sessions ?? [], event.messages ?? []);
      this.seq = event.seq;
    }
    return "applied";
  }

  #replace(snapshot: Snapshot): void {
    for (const held of [this.sessions, this.opened, this.messages, this.replies, this.typists, this.#rows])
      held.clear();
    this.epoch = snapshot.epoch;
    this.seq = snapshot.seq;
    this.oldest = null;
    this.applySessionPage({ sessions: snapshot.sessions, cursor: snapshot.cursor });
  }

  #putAll(sessions: Session[], messages: Message[]): void {
    for (const session of sessions) this.#putSession(session);
    for (const message of messages) this.#putMessage(message);
  }

  #putSession(row: Session): void {
    const held = this.sessions.get(row.id);
    if (held && held.seq >= row.seq) return;
    if (row.deletedAt !== undefined) this.close(row.id);
    this.sessions.set(row.id, row);
    this.#list = null;
  }

  #putMessage(row: Message): void {
    const held = this.messages.get(row.id);
    if ((held && held.seq >= row.seq) || !this.opened.has(row.sessionId)) return;
    this.messages.set(row.id, row);
    const rows = this.#rows.get(row.sessionId) ?? { held: new Map<string, Message>(), shown: null };
    rows.held.set(row.id, row);
    rows.shown = null;
    this.#rows.set(row.sessionId, rows);
    if (row.status !== "pending") this.replies.delete(row.id);
  }

  #sortedSessions(): Session[] {
    return [...this.sessions.values()]
      .map((row) => ({ row, key: sessionKey(row) }))
      .filter(({ row, key }) => row.deletedAt === undefined && (this.oldest === null || key >= this.oldest))
      .sort((one, other) => (one.key < other.key ? 1 : -1))
      .map(({ row }) => row);
  }

  #sortedMessages(session: string, rows: Rows): Message[] {
    const begins = this.opened.get(session) ?? 0;
    return [...rows.held.values()]
      .filter((row) => row.deletedAt === undefined && row.position >= begins)
      .sort((one, other) => one.position - other.position);
  }

  #forgetShown(session: string): void {
    const rows = this.#rows.get(session);
    if (rows) rows.shown = null;
  }

  #applyLive(event: TokenAdded | ReplySnapshot): void {
    const message = this.messages.get(event.message);
    if (message?.status !== "pending" || message.deletedAt !== undefined) return;
    const reply = advanced(this.replies.get(event.message), event);
    if (reply) this.replies.set(event.message, reply);
  }

  #applyTyping(event: TypingChanged, now: number): void {
    const key = `${event.session} ${event.who}`;
    if (event.active) this.typists.set(key, { session: event.session, name: event.name, at: now });
    else this.typists.delete(key);
  }
}
