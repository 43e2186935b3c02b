/**
 * The reader's sessions: what the list shows, and what can be done with them. It reads the device's timeline after each
 * happening, at most once a frame; what is done here is shown at once, until the hub refuses it.
 */
import {
  CommandRefused,
  type Device,
  freshId,
  type Happening,
  type NewSession,
  type Session,
} from "../client";
import { Answering, areSame, isUnread } from "./marks";
import { changedRows, deletedBy, listWith } from "./optimistic";
import { hasAll, wordsOf } from "./words";
import { excuse } from "../shell/excuse";
import { oncePerFrame } from "../shell/frames";
import { Search } from "./search.svelte";

/** Who has to be told what was done, and what was not. */
export interface Told {
  refused(error: CommandRefused): void;
  /** What was to be brought back is not there, or not any more. */
  notRestored(): void;
  removed(session: Session, undo: () => void): void;
}

/** Marks fade by themselves, when a tutor is not heard any more. */
const LOOK_AGAIN = 2_000;

export class SessionStore {
  /** The list as it is shown, the latest first. */
  sessions = $state.raw<Session[]>([]);
  loading = $state(true);
  /** Why there is no page below the last one. */
  error = $state.raw<CommandRefused | null>(null);
  /** The one that is shown beside the list. */
  selectedSessionId = $state<string | null>(null);
  hasOlder = $state(true);
  readonly #answering = new Answering();
  answering = $state.raw<ReadonlySet<string>>(this.#answering.sessions(0));
  readonly search: Search;
  readonly filteredSessions = $derived.by(() => this.#filtered());
  readonly currentSession = $derived.by(() => this.#current());
  readonly unreadCount = $derived(this.sessions.filter(isUnread).length);
  #searchQuery = $state("");
  readonly #device: Device;
  readonly #told: Told;
  /** What is changed here, by the last look. */
  #changed: ReadonlyMap<string, Session> = new Map();
  #deleted: ReadonlySet<string> = new Set();
  readonly #inFrame = oncePerFrame(() => this.#showNow());

  constructor(device: Device, told: Told) {
    this.#device = device;
    this.#told = told;
    this.search = new Search(device);
    this.#showNow();
  }

  /** Returns how to stop. */
  start(): () => void {
    const stop = this.#device.on((happening) => this.#hear(happening));
    const looking = setInterval(() => this.#showAnswering(), LOOK_AGAIN);
    this.#showNow();
    return () => {
      stop();
      clearInterval(looking);
      this.#inFrame.cancel();
    };
  }

  get searchQuery(): string {
    return this.#searchQuery;
  }

  set searchQuery(query: string) {
    this.#searchQuery = query;
    this.search.ask(query);
  }

  /** The row of a session as it is shown; null: it is deleted, or not known here. */
  find(id: string): Session | null {
    // Reading `sessions` has this looked at again after each change, also of a row that is below the list's end.
    const listed = this.sessions.find((each) => each.id === id);
    if (listed !== undefined) return listed;
    const row = this.#changed.get(id) ?? this.#device.timeline.sessions.get(id);
    return row === undefined || row.deletedAt !== undefined ? null : row;
  }

  /** It was there, and is not any more; it can be brought back. */
  isDeleted(id: string): boolean {
    return this.find(id) === null && (this.#deleted.has(id) || this.#device.timeline.sessions.has(id));
  }

  /** Returns its id at once: what is said in it waits until the hub knows it. */
  create(options: NewSession = {}): string {
    const id = freshId();
    void this.#do(this.#device.createSession({ ...options, session: id }));
    return id;
  }

  async rename(session: Session, title: string): Promise<void> {
    await this.change(session, { title });
  }

  /** Its title, how it is answered, or in which language. */
  async change(
    session: Session,
    fields: Partial<Pick<Session, "title" | "mode" | "language">>,
  ): Promise<void> {
    await this.#asReadAs(session, this.#do(this.#device.updateSession(session.id, fields)));
  }

  async delete(session: Session): Promise<void> {
    this.#told.removed(session, () => void this.restore(session.id, session));
    await this.#do(this.#device.deleteSession(session.id));
  }

  /** Bring a deleted one back, on all devices. `former`: as it was, if that is known. */
  async restore(id: string, former: Session | null = null): Promise<void> {
    const refused = (error: CommandRefused) =>
      error.problem.code === "not_found" ? this.#told.notRestored() : this.#told.refused(error);
    await this.#asReadAs(former, this.#do(this.#device.restoreSession(id), refused));
  }

  /** The page of the list below the last one. False: it did not come, and would not if it were asked for again now. */
  async loadOlder(): Promise<boolean> {
    try {
      this.hasOlder = await this.#device.listOlder();
      this.error = null;
    } catch (error) {
      excuse(error);
      if (error instanceof CommandRefused) this.error = error;
      return false;
    } finally {
      this.#showNow();
    }
    return true;
  }

  #filtered(): Session[] {
    const words = wordsOf(this.#searchQuery);
    if (words.length === 0) return this.sessions;
    // What the search has found in a conversation is shown with its words there, and not twice.
    const said = new Set(this.search.hits.flatMap((hit) => (hit.message === null ? [] : [hit.session.id])));
    const isNamed = (row: Session) => hasAll([row.title], words);
    return this.sessions.filter(
      (row) => isNamed(row) || (!said.has(row.id) && hasAll([row.preview ?? ""], words)),
    );
  }

  #current(): Session | null {
    const id = this.selectedSessionId;
    return id === null ? null : this.find(id);
  }

  #hear(happening: Happening): void {
    if (happening.type === "ended") return;
    if (happening.type === "event") {
      const { event } = happening;
      if (this.#answering.hear(event, performance.now()) || "sessions" in event) this.#show();
      if (event.type === "snapshot") this.hasOlder = event.cursor !== null;
    } else {
      if (happening.type === "in_step") this.#askAgain();
      this.#show();
    }
  }

  /** There is a connection again: what was refused or lost before may come now. */
  #askAgain(): void {
    this.error = null;
    this.search.again();
  }

  /** A page that nobody sees has no frames, but a title that says what is new. */
  #show(): void {
    if (document.hidden) this.#showNow();
    else this.#inFrame();
  }

  #showNow(): void {
    const { timeline, state } = this.#device;
    const listed = timeline.shownSessions();
    const changes = this.#device.pendingChanges().map(({ change }) => change);
    this.#changed = changedRows(timeline.sessions, changes, listed[0]);
    this.#deleted = deletedBy(changes);
    this.sessions = listWith(this.#changed, listed);
    if (this.sessions.length > 0 || state === "in_step") this.loading = false;
    this.#showAnswering();
  }

  #showAnswering(): void {
    const found = this.#answering.sessions(performance.now());
    if (!areSame(found, this.answering)) this.answering = found;
  }

  /** Show what is on its way, as the outbox has it. Refused, it is told; without a connection it waits. */
  async #do<Answer>(
    answer: Promise<Answer>,
    refused = (error: CommandRefused) => this.#told.refused(error),
  ): Promise<Answer | null> {
    this.#showNow();
    try {
      return await answer;
    } catch (error) {
      excuse(error);
      if (error instanceof CommandRefused) refused(error);
      return null;
    } finally {
      this.#showNow();
    }
  }

  /** What is no news leaves a session read that was. */
  async #asReadAs(former: Session | null, done: Promise<Session | null>): Promise<void> {
    const row = await done;
    if (row === null || former === null || isUnread(former)) return;
    await this.#device.markRead(row.id, row.seq).catch(excuse);
  }
}
