/**
 * One conversation: what is shown of it, and what can be done in it. It reads the device's timeline after each
 * happening, at most once a frame, and writes nothing but what it says to the device.
 */
import { CommandRefused, ConnectionLost } from "../client";
import type { Device, Event, Happening, Mode, Problem, Session } from "../client";
import { ReadAloud } from "../media/read_aloud.svelte";
import { isUnread } from "../sessions/marks";
import { Announcer } from "./announcer.svelte";
import type { Composer, Writing } from "./composer.svelte";
import type { Composers } from "./composers";
import type { Deletions } from "./deletions.svelte";
import type { Edits } from "./edits.svelte";
import { excuse } from "../shell/excuse";
import { oncePerFrame } from "../shell/frames";
import { type Group, Groups } from "./groups.svelte";
import { History } from "./history.svelte";
import type { Row } from "./row.svelte";
import { Rows } from "./rows.svelte";
import type { SessionStore } from "../sessions/sessions.svelte";
import { Typists } from "./typists.svelte";

/** What the person is told of something that could not be done. */
export type Notice =
  | { kind: "refused"; problem: Problem }
  | { kind: "lost" }
  | { kind: "full"; limit: number }
  | { kind: "occupied" }
  | { kind: "gone" };

/** Follow-ups that wait for the tutor at once, if the hub has not said. */
const USUAL_PENDING = 5;

/** What a chat has of the visit that it is part of. */
export interface Belongings {
  device: Device;
  composers: Composers;
  sessions: SessionStore;
  deletions: Deletions;
  edits: Edits;
}

export class ChatStore implements Writing {
  readonly session: string;
  readonly composer: Composer;
  readonly typists = new Typists();
  readonly announcer = new Announcer();
  readonly readAloud = new ReadAloud();
  readonly deletions: Deletions;
  readonly edits: Edits;
  readonly history: History;
  /** What is known of the session; null while nothing is. */
  readonly details: Session | null = $derived.by(() => this.#sessions.find(this.session));
  /** What is asked of the hub is answered now, and not once the connection is back. */
  isOnline = $state(false);
  /** There is no connection, and has been none since it was lost. */
  isAway = $state(false);
  /** Somebody reads far from the end: what they read stays. */
  isReadingBack = false;
  /** A reply is asked for anew, and the hub has not said yet that it comes. */
  isRetrying = $state(false);
  notice = $state.raw<Notice | null>(null);
  /** Which of one's own messages one has last begun to edit. */
  editing = $state<string | null>(null);
  readonly #device: Device;
  readonly #sessions: SessionStore;
  readonly #rows: Rows;
  readonly #groups = new Groups();
  readonly #grown = new Set<string>();
  #isStale = true;
  readonly #show = oncePerFrame(() => this.#showNow());

  constructor(session: string, { device, composers, sessions, deletions, edits }: Belongings) {
    this.session = session;
    this.#device = device;
    this.#sessions = sessions;
    this.deletions = deletions;
    this.edits = edits;
    this.#rows = new Rows(device, session);
    const attempt = (act: () => Promise<unknown>) => this.#attempt(act);
    const show = () => this.#showNow(true);
    this.history = new History({ device, session, rows: this.#rows, attempt, show });
    this.composer = composers.of(session);
  }

  /** Open the session and keep to it. Returns how to leave. */
  start(): () => void {
    const stopListening = this.#device.on((happening) => this.#hear(happening));
    this.#showNow();
    this.history.open();
    return () => {
      stopListening();
      void this.deletions.finishAll();
      this.typists.clear();
      this.readAloud.stop();
      this.#show.cancel();
      void this.#device.close(this.session).catch(excuse);
    };
  }

  /** Nothing is shown yet that should be. Where nobody has said anything, there is nothing to wait for. */
  get isLoading(): boolean {
    return !this.history.isOpened && this.messages.length === 0 && this.details?.messageCount !== 0;
  }

  get messages(): Row[] {
    return this.#rows.shown;
  }

  /** The same as they are in the page. */
  get groups(): Group[] {
    return this.#groups.shown;
  }

  get currentMessage(): string {
    return this.composer.text;
  }

  set currentMessage(text: string) {
    this.composer.text = text;
  }

  /** The tutor is answering, or about to. */
  get isTyping(): boolean {
    return this.#rows.open.length > 0;
  }

  get mode(): Mode {
    return this.details?.mode ?? "fun";
  }

  get language(): string {
    return this.details?.language ?? "en";
  }

  /** The last reply, if it has ended: the one that can be written anew. */
  get lastReply(): string | null {
    const last = this.messages.at(-1);
    return last !== undefined && !last.isOwn && !last.isOpen ? last.id : null;
  }

  /** What was answered to one's own message, unless that is deleted. */
  answerTo(row: Row): Row | undefined {
    const answer = this.messages.find(({ message }) => message?.replyTo === row.id);
    return answer !== undefined && this.deletions.held.has(answer.id) ? undefined : answer;
  }

  /** False: it was not sent, and is still in the composer. */
  send(wordless: string): boolean {
    if (!this.composer.isReady() || this.#device.state === "ended") return false;
    const limit = this.#device.welcome?.limits.pendingReplies ?? USUAL_PENDING;
    if (this.#rows.open.length + this.#sendsOnTheWay() >= limit) {
      this.notice = { kind: "full", limit };
      return false;
    }
    this.notice = null;
    const { content, metadata } = this.composer.take(wordless);
    this.#say(content, { metadata });
    return true;
  }

  /** Say a failed one again, without what is gone: with its own id, unless that is what was wrong with it. */
  sendAgain(row: Row): void {
    if (row.pending === null) return;
    const { content, message, problem } = row.pending;
    const isTaken = problem?.code === "idempotency_conflict";
    if (isTaken) this.#device.forget(message);
    this.#say(content, { metadata: row.remaining, ...(!isTaken && { message }) });
  }

  /** A failed one goes back to where it was written. */
  takeBack(row: Row): void {
    if (row.pending === null) return;
    if (this.composer.giveBack(row.pending.content, row.remaining)) this.#device.forget(row.id);
    else this.notice = { kind: "occupied" };
  }

  beginEdit(row: Row): void {
    this.edits.begin(row.id, row.text);
    this.editing = row.id;
  }

  edit(row: Row, content: string): Promise<boolean> {
    return this.#attempt(() => this.edits.save(row.id, content));
  }

  /** Change one's words, and have them answered anew. */
  async editAndAsk(row: Row, content: string): Promise<void> {
    const answer = this.answerTo(row);
    if ((await this.edit(row, content)) && answer !== undefined) await this.retry(answer.id);
  }

  delete(row: Row): void {
    this.deletions.ask(row.id);
  }

  /** End the reply that is being written. */
  async stop(): Promise<void> {
    const reply = this.#rows.open[0];
    if (reply !== undefined) await this.#attempt(() => this.#device.stop(reply));
  }

  /** Have a reply written anew; an impatient finger asks for it once. */
  async retry(reply: string): Promise<void> {
    if (this.isRetrying) return;
    this.isRetrying = true;
    await this.#attempt(() => this.#device.retry(reply)).finally(() => (this.isRetrying = false));
  }

  async useMode(mode: Mode): Promise<void> {
    if (this.details !== null) await this.#sessions.change(this.details, { mode });
  }

  async useLanguage(language: string): Promise<void> {
    if (this.details !== null) await this.#sessions.change(this.details, { language });
  }

  /** Have a message in the page, and those after it. False: it is not in this session. */
  async reach(message: string, isWanted = () => true): Promise<boolean> {
    this.notice = null;
    const isReached = await this.history.reach(message, isWanted);
    this.#groups.reveal(message);
    return isReached;
  }

  /** Everything up to here has been seen. */
  markRead(): void {
    const { details } = this;
    if (details === null || !isUnread(details) || !this.isOnline) return;
    void this.#attempt(() => this.#device.markRead(this.session, this.#device.timeline.seq));
  }

  #hear(happening: Happening): void {
    if (happening.type === "event") this.#hearEvent(happening.event);
    else this.#isStale = true;
    if (this.#isStale || this.#grown.size > 0) this.#show();
  }

  #hearEvent(event: Event): void {
    switch (event.type) {
      case "token.added":
      case "reply.snapshot":
        this.#grown.add(event.message);
        break;
      case "typing.changed":
        if (event.session === this.session) this.typists.hear(event, this.#device.welcome?.device ?? null);
        break;
      case "pong":
      case "degraded":
        break;
      default:
        this.#isStale = true;
    }
  }

  #showNow(isStale = this.#isStale): void {
    if (isStale) this.#showAll();
    else for (const id of this.#grown) this.#rows.showText(id);
    this.#grown.clear();
    this.#isStale = false;
  }

  #showAll(): void {
    this.#showWeather();
    if (this.#rows.showAll(this.isReadingBack)) this.#groups.show(this.messages);
    this.history.keepUp();
    this.announcer.hear(this.#rows.open, (id) => this.#device.timeline.messages.get(id));
  }

  /** Between attempts to come back it is still away. */
  #showWeather(): void {
    const { state } = this.#device;
    this.isOnline = state === "in_step";
    if (state === "away" || state === "ended") this.isAway = true;
    if (this.isOnline && this.isAway) this.isAway = this.history.hasFailedOlder = false;
  }

  #sendsOnTheWay(): number {
    return this.#device.pendingSends(this.session).filter((send) => send.state !== "failed").length;
  }

  #say(content: string, options: Parameters<Device["send"]>[2]): void {
    this.#device.send(this.session, content, options).catch(excuse);
    this.#showNow(true);
  }

  /** False: it was refused, or nobody knows; the person is told. */
  async #attempt(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      excuse(error);
      if (error instanceof CommandRefused) this.notice = { kind: "refused", problem: error.problem };
      else if (error instanceof ConnectionLost) this.notice = { kind: "lost" };
      return false;
    }
  }
}
