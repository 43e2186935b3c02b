/**
 * A device of a user, as a page holds it: say something, see what comes.
 *
 * What the device knows is its `timeline`, kept up to date across lost connections. A promise is kept when the hub has
 * answered: what it did is committed. While there is no connection, commands wait in the outbox; only `search`, which
 * nobody wants to hear of later, and `retry`, which may not be said twice, are refused with ConnectionLost. Everything
 * is refused with GaveUp once the device will not connect again.
 */

import { ConnectionLost } from "./errors";
import type { Exchange } from "./exchange";
import type { ConnectionState, Listener } from "./happenings";
import { freshId } from "./ids";
import type { Keeper } from "./keeper";
import type { Link } from "./link";
import type { Change, Send } from "./commands";
import type { Item, ItemOf } from "./outbox";
import type { Timeline } from "./timeline";
import type { Message, MessagePage, Metadata, Problem, SearchPage, Sent, Session, Welcome } from "./wire";

export type Mode = Session["mode"];

/**
 * How far something has come. Queued: until there is a connection; postponed: the hub could not do it, and is asked
 * again; sent: or about to be.
 */
export type Progress = "queued" | "postponed" | "sent";

/** A message that was said and is not known to be in the timeline yet. */
export interface PendingSend {
  session: string;
  message: string;
  content: string;
  metadata?: Metadata;
  state: Progress | "failed";
  problem?: Problem;
}

/** A change that was made and is not known to be in the timeline yet. */
export interface PendingChange {
  change: Change;
  state: Progress;
}

export interface NewSession {
  title?: string | undefined;
  mode?: Mode | undefined;
  language?: string | undefined;
  /** An id of the caller's making (`freshId`): known before the hub has answered, and the same session if said twice. */
  session?: string | undefined;
}
export interface SessionChange {
  title?: string | undefined;
  mode?: Mode | undefined;
  language?: string | undefined;
}
export interface NewMessage {
  metadata?: Metadata | undefined;
  /** The id of an earlier send, that has failed: it is the same send again. */
  message?: string | undefined;
}
export interface PageOptions {
  before?: string | undefined;
  limit?: number | undefined;
}

/** What a device is made of. */
interface Parts {
  exchange: Exchange;
  link: Link;
  keeper: Keeper | null;
  /** Let go of everything. */
  leave: () => void;
}

/** Made by `connect`. */
export class Device {
  readonly timeline: Timeline;
  readonly #exchange: Exchange;
  readonly #link: Link;
  readonly #keeper: Keeper | null;
  readonly #leave: () => void;
  /** Pages that are asked for: an impatient finger asks for the same one. */
  readonly #older = new Map<string, Promise<boolean>>();

  constructor({ exchange, link, keeper, leave }: Parts) {
    this.timeline = exchange.timeline;
    this.#exchange = exchange;
    this.#link = link;
    this.#keeper = keeper;
    this.#leave = leave;
  }

  get state(): ConnectionState {
    return this.#exchange.state;
  }

  /** The hub's last one: its limits, its tutor. */
  get welcome(): Welcome | null {
    return this.#exchange.welcome;
  }

  /** While away: when the next attempt is, by `performance.now()`. */
  get backAt(): number | null {
    return this.#link.backAt;
  }

  /** This tab speaks for all tabs of the user. */
  get isSender(): boolean {
    return this.#exchange.outbox.speaksForAll;
  }

  /** What comes from now on, each after it was applied. Returns how to stop listening. */
  on(listener: Listener): () => void {
    return this.#exchange.listeners.add(listener);
  }

  /** Connect at once, and do not wait until `backAt`. */
  retryNow(): void {
    this.#link.retryNow();
  }

  /** In order; those that failed, too, with their text. What the timeline shows already is not among them. */
  pendingSends(session?: string): PendingSend[] {
    const isAsked = (send: Send) => session === undefined || send.session === session;
    const sends = this.#exchange.outbox.sends().filter(({ command }) => isAsked(command));
    return sends.filter((item) => this.#isUnsaid(item)).map((item) => this.#pendingSend(item));
  }

  /** In order, of all tabs: what is to be shown over the timeline. What is refused is not among them any more. */
  pendingChanges(): PendingChange[] {
    const changes = this.#exchange.outbox.changes().filter((item) => this.#isUnheard(item));
    return changes.map((item) => ({ change: item.command, state: this.#progress(item) }));
  }

  /** Drop a send that has failed. */
  forget(message: string): void {
    this.#exchange.forget(message);
  }

  // Sessions.

  async createSession({ session, ...more }: NewSession = {}): Promise<Session> {
    const command = { type: "session.create" as const, session: session ?? freshId(), ...present(more) };
    return (await this.#exchange.ask(command)) as Session;
  }

  /** Change what is given. */
  async updateSession(session: string, change: SessionChange): Promise<Session> {
    return (await this.#exchange.ask({ type: "session.update", session, ...present(change) })) as Session;
  }

  async deleteSession(session: string): Promise<void> {
    await this.#exchange.ask({ type: "session.delete", session });
  }

  /** Within 30 days. To see its messages, open it again. */
  async restoreSession(session: string): Promise<Session> {
    return (await this.#exchange.ask({ type: "session.restore", session })) as Session;
  }

  /** Have the timeline's list go further down. False: it is whole. */
  listOlder(): Promise<boolean> {
    const before = this.#exchange.pages.olderSessions;
    return this.#onceAtATime("", before, (before) => this.#exchange.ask({ type: "session.list", before }));
  }

  async search(query: string, before?: string): Promise<SearchPage> {
    const ref = this.#exchange.outbox.freshRef();
    const command = { type: "session.search" as const, ref, query, ...(before !== undefined && { before }) };
    return (await this.#exchange.askOnce(command)) as SearchPage;
  }

  /**
   * Have its last page, or the one before a cursor, and from now on its live text, in the timeline. Until that comes,
   * as long as it takes, what was kept on this machine is shown, also without a connection.
   */
  async open(session: string, options: PageOptions = {}): Promise<MessagePage> {
    if (options.before === undefined) this.#recall(session);
    return (await this.#exchange.ask({ type: "session.open", session, ...present(options) })) as MessagePage;
  }

  /** Have the page before the oldest message held. False: there is none. */
  openOlder(session: string): Promise<boolean> {
    const before = this.#exchange.pages.olderMessages(session);
    return this.#onceAtATime(session, before, (before) => this.open(session, { before }));
  }

  /** No more messages of this session. */
  async close(session: string): Promise<void> {
    this.#keeper?.save();
    this.#exchange.pages.close(session);
    await this.#exchange.ask({ type: "session.close", session });
  }

  /** Read up to the number (`seq`) of a message. */
  async markRead(session: string, seq: number): Promise<Session> {
    return (await this.#exchange.ask({ type: "read.mark", session, seq })) as Session;
  }

  // Messages.

  /** The receipt, once the message is committed. A refused one stays in `pendingSends` as failed. */
  async send(session: string, content: string, options: NewMessage = {}): Promise<Sent> {
    const { message = freshId(), metadata } = options;
    const command = { type: "message.send" as const, session, message, content, ...present({ metadata }) };
    return (await this.#exchange.ask(command)) as Sent;
  }

  async edit(message: string, content: string): Promise<Message> {
    return (await this.#exchange.ask({ type: "message.edit", message, content })) as Message;
  }

  async delete(message: string): Promise<void> {
    await this.#exchange.ask({ type: "message.delete", message });
  }

  /** End an open reply; at least what this device has seen of it is saved, unless who wrote it was lost. */
  async stop(reply: string): Promise<Message> {
    const seen = this.timeline.replies.get(reply)?.next ?? 0;
    return (await this.#exchange.ask({ type: "reply.stop", message: reply, seen })) as Message;
  }

  /** A new reply to the same message. ConnectionLost: it is not known whether there is one now. */
  async retry(reply: string): Promise<Message> {
    const ref = this.#exchange.outbox.freshRef();
    return (await this.#exchange.askOnce({ type: "reply.retry", ref, message: reply })) as Message;
  }

  /** To be said again every 3 s. Without a connection nobody hears it. */
  typing(session: string, active: boolean): void {
    if (!this.#exchange.isInStep) return;
    this.#exchange.sayOnce({ type: "typing.set", ref: this.#exchange.outbox.freshRef(), session, active });
  }

  /** Give the hub a fresh token, without a new connection. */
  refresh(token: string): void {
    this.#link.refresh(token);
  }

  /** For good. What was not sent is kept in the store, for the next device of the user. */
  disconnect(): void {
    this.#leave();
    this.#exchange.finish(new ConnectionLost("The device was disconnected."));
  }

  /** What is acknowledged is pending until its event is heard: another tab's answer may be faster. */
  #isUnheard({ state, acked }: Item): boolean {
    if (state !== "acked") return true;
    return acked?.epoch === this.timeline.epoch && (acked?.seq ?? 0) > this.timeline.seq;
  }

  #isUnsaid(item: ItemOf<Send>): boolean {
    if (item.state === "failed") return true;
    return this.#isUnheard(item) && !this.timeline.messages.has(item.command.message);
  }

  #pendingSend(item: ItemOf<Send>): PendingSend {
    const { session, message, content, metadata } = item.command;
    const { problem } = item;
    const state = item.state === "failed" ? "failed" : this.#progress(item);
    return { session, message, content, state, ...present({ metadata, problem }) };
  }

  #progress({ state, problem }: Item): Progress {
    if (state === "queued" && !this.#exchange.isInStep) return "queued";
    return problem ? "postponed" : "sent";
  }

  /** To be called before the opening is said: what is opened already is not recalled. */
  #recall(session: string): void {
    void this.#keeper?.recall(session).then((isShown) => {
      if (isShown) this.#exchange.listeners.tell({ type: "kept", session });
    });
  }

  async #onceAtATime(
    name: string,
    before: string | null,
    ask: (before: string) => Promise<unknown>,
  ): Promise<boolean> {
    if (before === null) return false;
    const asked = this.#older.get(name) ?? ask(before).then(() => true);
    this.#older.set(name, asked);
    return asked.finally(() => this.#older.delete(name));
  }
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Without what is undefined: on the wire, what is absent is absent. */
function present<T extends object>(given: T): Present<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Present<T>;
}
