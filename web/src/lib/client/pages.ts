/**
 * Which pages a device has read, and where the next ones are. No I/O. The twin of client/pages.py.
 *
 * A page is put into the timeline when its answer is heard, in its place among the events; and only if it continues
 * what is held: an answer that was asked for before everything was replaced would leave a hole. What was kept of a
 * session on this machine is shown until its first page comes, and then makes room for it.
 */

import type { KeptList, KeptMessages } from "./store";
import type { Timeline } from "./timeline";
import type { Answer, Command, Message, MessagePage, SessionPage, Snapshot } from "./wire";

type Unreferred<T extends Command["type"]> = Omit<Extract<Command, { type: T }>, "ref">;
type Open = Unreferred<"session.open">;

/** Of any command: what pages have to do with. */
export interface Asked {
  readonly type: Command["type"];
}

/** The windows of one timeline, from the side of who asks for them. */
export class Pages {
  /** Asks for the page of sessions after the last one held; null: there is no more, or it is not known. */
  olderSessions: string | null = null;
  readonly #olderMessages = new Map<string, string | null>();
  readonly #kept = new Map<string, Message[]>();

  constructor(private readonly timeline: Timeline) {}

  /** Asks for the page before the oldest message held; null: there is no more. */
  olderMessages(session: string): string | null {
    return this.#olderMessages.get(session) ?? null;
  }

  /** A session that was left before its opening could be said is opened and closed by then. */
  aboutToSay(command: Asked): void {
    if (isOpen(command)) this.timeline.open(command.session);
    if (isClose(command)) this.close(command.session);
  }

  close(session: string): void {
    this.timeline.close(session);
    this.#olderMessages.delete(session);
    this.#kept.delete(session);
  }

  /** Everything is replaced; what was opened is to be opened again. */
  replace(snapshot: Snapshot): void {
    const opened = [...this.timeline.opened.keys()];
    this.timeline.apply(snapshot);
    this.#olderMessages.clear();
    this.#kept.clear();
    this.olderSessions = snapshot.cursor;
    for (const session of opened) this.timeline.open(session);
  }

  /** The answer to a command; if it is a page, it is put into the timeline. */
  take(command: Asked, answer: Answer): void {
    if (isOpen(command)) this.#takeMessages(command, answer as MessagePage);
    else if (isList(command) && command.before !== undefined && command.before === this.olderSessions) {
      const page = answer as SessionPage;
      this.timeline.applySessionPage(page);
      this.olderSessions = page.cursor;
    }
  }

  /** A session whose first page was refused is not opened. */
  refused(command: Asked | null): void {
    if (!command || !isOpen(command)) return;
    this.timeline.openRefused(command.session);
    if (!this.timeline.opened.has(command.session)) this.#kept.delete(command.session);
  }

  // What was kept on this machine.

  /** The list as it was kept, before anything was heard. */
  restore(list: KeptList): void {
    this.timeline.restore(list);
    this.olderSessions = list.older;
  }

  /** The messages as they were kept, of a session whose first page has not come. False: it has, or it is closed. */
  recall(session: string, kept: KeptMessages): boolean {
    if (this.timeline.opened.get(session) !== null || this.#kept.has(session)) return false;
    this.#kept.set(session, kept.messages);
    this.timeline.recall(kept.messages, kept.replies);
    return true;
  }

  #takeMessages(command: Open, page: MessagePage): void {
    const { session, before } = command;
    const held = this.timeline.opened.get(session);
    if (held === undefined || (before !== undefined && before !== this.#olderMessages.get(session))) return;
    this.timeline.forget(this.#kept.get(session) ?? []);
    this.#kept.delete(session);
    this.timeline.applyMessagePage(page);
    const begins = this.timeline.opened.get(session);
    if (held === null || (typeof begins === "number" && begins < held))
      this.#olderMessages.set(session, page.before);
  }
}

function isOpen(command: Asked): command is Open {
  return command.type === "session.open";
}

function isClose(command: Asked): command is Unreferred<"session.close"> {
  return command.type === "session.close";
}

function isList(command: Asked): command is Unreferred<"session.list"> {
  return command.type === "session.list";
}
