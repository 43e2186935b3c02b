/**
 * A device of a user, as a page holds it: say something, see what comes.
 *
 * What the device knows is its `timeline`, kept up to date across lost connections. A promise is kept when the hub has
 * answered: what it did is committed. While there is no connection, commands wait in the outbox; only `retry`, which
 * may not be said twice, is refused with ConnectionLost. Everything is refused with GaveUp once the device will not
 * connect again.
 */

import { ConnectionLost } from "./errors";
import { Listeners, type ConnectionState, type Listener } from "./happenings";
import { freshId } from "./ids";
import type { Store } from "./store";
import { Timeline } from "./timeline";
import type { Message, MessagePage, Metadata, Problem, SearchPage, Sent, Session, Welcome } from "./wire";

export type Mode = Session["mode"];

/** A message that was said and is not known to be in the timeline yet. */
export interface PendingSend {
  session: string;
  message: string;
  content: string;
  metadata?: Metadata;
  state: "queued" | "sent" | "failed";
  problem?: Problem;
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

/** Made by `connect`. */
export class Device {
  readonly timeline: Timeline = new Timeline();
  readonly #listeners = new Listeners();

  get state(): ConnectionState {
    return "connecting";
  }

  /** The hub's last one: its limits, its tutor. */
  get welcome(): Welcome | null {
    return null;
  }

  /** While away: when the next attempt is, by `performance.now()`. */
  get backAt(): number | null {
    return null;
  }

  /** This tab speaks for all tabs of the user. */
  get isSender(): boolean {
    return true;
  }

  /** The limits of what may be typed and so on are in `welcome`. Returns how to stop listening. */
  on(listener: Listener): () => void {
    return this.#listeners.add(listener);
  }

  /** Connect at once, and do not wait until `backAt`. */
  retryNow(): void {}

  /** In order; those that failed, too, with their text. What the timeline shows already is not among them. */
  pendingSends(session?: string): PendingSend[] {
    return session ? [] : [];
  }

  /** Drop a send that has failed. */
  forget(message: string): void {
    void message;
  }

  // Sessions.

  createSession(options: NewSession = {}): Promise<Session> {
    return this.#ask(options);
  }

  /** Change what is given. */
  updateSession(session: string, change: SessionChange): Promise<Session> {
    return this.#ask(session, change);
  }

  async deleteSession(session: string): Promise<void> {
    await this.#ask(session);
  }

  /** Within 30 days. */
  restoreSession(session: string): Promise<Session> {
    return this.#ask(session);
  }

  /** Have the timeline's list go further down. False: it is whole. */
  listOlder(): Promise<boolean> {
    return this.#ask();
  }

  search(query: string, before?: string): Promise<SearchPage> {
    return this.#ask(query, before);
  }

  /** Have its last page, or the one before a cursor, and from now on its live text, in the timeline. */
  open(session: string, options: PageOptions = {}): Promise<MessagePage> {
    return this.#ask(session, options);
  }

  /** Have the page before the oldest message held. False: there is none. */
  openOlder(session: string): Promise<boolean> {
    return this.#ask(session);
  }

  /** No more messages of this session. */
  async close(session: string): Promise<void> {
    await this.#ask(session);
  }

  /** Read up to the number (`seq`) of a message. */
  markRead(session: string, seq: number): Promise<Session> {
    return this.#ask(session, seq);
  }

  // Messages.

  /** The receipt, once the message is committed. A refused one stays in `pendingSends` as failed. */
  send(session: string, content: string, options: NewMessage = {}): Promise<Sent> {
    return this.#ask(session, content, options, freshId());
  }

  edit(message: string, content: string): Promise<Message> {
    return this.#ask(message, content);
  }

  async delete(message: string): Promise<void> {
    await this.#ask(message);
  }

  /** End an open reply; at least what this device has seen of it is saved, unless who wrote it was lost. */
  stop(reply: string): Promise<Message> {
    return this.#ask(reply);
  }

  /** A new reply to the same message. */
  retry(reply: string): Promise<Message> {
    return this.#ask(reply);
  }

  /** To be said again every 3 s. Without a connection nobody hears it. */
  typing(session: string, active: boolean): void {
    void [session, active];
  }

  /** Give the hub a fresh token in band. */
  refresh(token: string): void {
    void token;
  }

  disconnect(): void {}

  async #ask(...said: unknown[]): Promise<never> {
    throw new ConnectionLost(`There is no connection (${said.length}).`);
  }
}

export interface Connecting {
  /** Where the hub is: http, https, ws or wss. */
  url: string;
  /** What gives a fresh token; called at first, and whenever the held one is of no more use. */
  token: () => Promise<string>;
  /** An id that this browser keeps, and a name for people. */
  who: { id: string; name: string };
  /** Without it everything is forgotten with the page. */
  store?: Store | undefined;
  /** One tab speaks for all of them. True, unless said otherwise, where there is a store and the browser can. */
  tabs?: boolean | undefined;
}

/** A device, that connects from now on, and again after each loss. */
export function connect(options: Connecting): Device {
  void options;
  return new Device();
}
