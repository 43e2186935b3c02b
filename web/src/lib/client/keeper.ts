/**
 * Keeps what a timeline shows on this machine, and shows it again: at the next start, and offline.
 *
 * The list is written with the number it stands at, so a device resumes from it. The messages of a session are written
 * as they were last seen, and are only shown until the hub's page comes: they need not be up to date.
 */

import type { Happening } from "./happenings";
import type { Pages } from "./pages";
import type { Store } from "./store";
import type { Timeline } from "./timeline";
import type { Message, Reply, Session } from "./wire";

const SAVED_AFTER_MS = 1000;
/** So many of a session's messages, the last ones. */
const MESSAGES_KEPT = 200;

export class Keeper {
  #savedList: Session[] | null = null;
  #savedSeq = -1;
  /** Of each opened session: the rows and replies that were written, which are others once they change. */
  readonly #saved = new Map<string, readonly (Message | Reply)[]>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #left = new AbortController();

  constructor(
    private readonly store: Store,
    private readonly timeline: Timeline,
    private readonly pages: Pages,
  ) {
    if (store.list) pages.restore(store.list);
    if (typeof window === "undefined") return;
    const { signal } = this.#left;
    window.addEventListener("pagehide", () => this.save(), { signal });
    document.addEventListener("visibilitychange", () => document.hidden && this.save(), { signal });
  }

  hear(happening: Happening): void {
    if (happening.type === "event") this.#dropRemoved(happening.event);
    if (happening.type === "event" || happening.type === "page")
      this.#timer ??= setTimeout(() => this.save(), SAVED_AFTER_MS);
  }

  /** Show what was kept of a session's messages. False: nothing was, or something newer is there. */
  async recall(session: string): Promise<boolean> {
    if (this.timeline.opened.has(session)) return false;
    this.timeline.open(session);
    const kept = await this.store.messages(session);
    return kept !== null && this.pages.recall(session, kept);
  }

  /** Write what has changed since the last time. */
  save(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#saveList();
    for (const session of this.#saved.keys())
      if (!this.timeline.opened.has(session)) this.#saved.delete(session);
    for (const [session, begins] of this.timeline.opened) if (begins !== null) this.#saveMessages(session);
  }

  leave(): void {
    this.save();
    this.#left.abort();
  }

  #saveList(): void {
    const { epoch, seq, oldest } = this.timeline;
    const sessions = this.timeline.shownSessions();
    if (epoch === null || (sessions === this.#savedList && seq === this.#savedSeq)) return;
    this.#savedList = sessions;
    this.#savedSeq = seq;
    void this.store.keepList({ epoch, seq, sessions, oldest, older: this.pages.olderSessions });
  }

  #saveMessages(session: string): void {
    const messages = this.timeline.shownMessages(session).slice(-MESSAGES_KEPT);
    const replies = messages.flatMap(({ id }) => this.timeline.replies.get(id) ?? []);
    const kept = [...messages, ...replies];
    const saved = this.#saved.get(session);
    if (saved?.length === kept.length && kept.every((each, index) => each === saved[index])) return;
    this.#saved.set(session, kept);
    void this.store.keepMessages(session, { messages, replies, at: Date.now() });
  }

  #dropRemoved(event: object): void {
    const sessions = "sessions" in event ? (event.sessions as Session[]) : [];
    for (const { id, deletedAt } of sessions) if (deletedAt !== undefined) void this.store.dropMessages(id);
  }
}
