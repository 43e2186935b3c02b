/**
 * One conversation: what is shown of it, and what can be done in it. It reads the device's timeline after each
 * happening, at most once a frame, and writes nothing but what it says to the device.
 */
import { CommandRefused, ConnectionLost } from "../client";
import type { Device, Event, Happening, Mode, Problem, Session } from "../client";
import { ReadAloud } from "../media/read_aloud.svelte";
import { isUnread } from "../sessions/marks";
import { Announcer } from "./announcer.svelte";
import { Composer } from "./composer.svelte";
import { Deletions } from "./deletions.svelte";
import type { Drafts } from "./drafts";
import { excuse } from "./excuse";
import { oncePerFrame } from "./frames";
import { type Group, Groups } from "./groups.svelte";
import type { Row } from "./row.svelte";
import { Rows } from "./rows.svelte";
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

export class ChatStore {
  readonly session: string;
  readonly composer: Composer;
  readonly typists = new Typists();
  readonly announcer = new Announcer();
  readonly readAloud = new ReadAloud();
  readonly deletions: Deletions;
  /** The session's row; null while it is not known. */
  info = $state.raw<Session | null>(null);
  isLoading = $state(true);
  isLoadingOlder = $state(false);
  hasOlder = $state(false);
  /** What is asked of the hub is answered now, and not once the connection is back. */
  isOnline = $state(false);
  /** Why the session can't be shown. */
  error = $state.raw<Problem | null>(null);
  notice = $state.raw<Notice | null>(null);
  /** Which of one's own messages is being edited. */
  editing = $state<string | null>(null);
  readonly #device: Device;
  readonly #drafts: Drafts;
  readonly #rows: Rows;
  readonly #groups = new Groups();
  readonly #grown = new Set<string>();
  #isStale = true;
  readonly #show = oncePerFrame(() => this.#showNow());

  constructor(device: Device, session: string, drafts: Drafts) {
    this.session = session;
    this.#device = device;
    this.#drafts = drafts;
    this.#rows = new Rows(device, session);
    this.composer = new Composer(device, session, drafts);
    this.deletions = new Deletions((message) => void this.#attempt(() => device.delete(message)));
  }

  /** Open the session and keep to it. Returns how to leave. */
  start(): () => void {
    const stopListening = this.#device.on((happening) => this.#hear(happening));
    const stopDrafting = this.composer.start();
    this.#showNow();
    void this.#open();
    return () => {
      stopListening();
      stopDrafting();
      this.deletions.finishAll();
      this.typists.clear();
      this.readAloud.stop();
      this.#show.cancel();
      void this.#device.close(this.session).catch(excuse);
    };
  }

  /** The page may be about to go: what is on its way is said and kept now. */
  leave(): void {
    this.deletions.finishAll();
    this.#drafts.saveAll();
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
    return this.info?.mode ?? "fun";
  }

  get language(): string {
    return this.info?.language ?? "en";
  }

  /** The last reply, if it has ended: the one that can be written anew. */
  get lastReply(): string | null {
    const last = this.messages.at(-1);
    return last !== undefined && !last.isOwn && !last.isOpen ? last.id : null;
  }

  /** False: it was not sent, and is still in the composer. */
  send(wordless: string): boolean {
    const { isEmpty, isTooLong } = this.composer;
    if (isEmpty || isTooLong || this.#device.state === "ended") return false;
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

  /** Say a failed one again: with its own id, unless that is what was wrong with it. */
  sendAgain(row: Row): void {
    if (row.pending === null) return;
    const { content, metadata, message, problem } = row.pending;
    const isTaken = problem?.code === "idempotency_conflict";
    if (isTaken) this.#device.forget(message);
    this.#say(content, { ...(metadata && { metadata }), ...(!isTaken && { message }) });
  }

  /** A failed one goes back to where it was written. */
  takeBack(row: Row): void {
    if (row.pending === null) return;
    if (this.composer.giveBack(row.pending.content, row.pending.metadata)) this.#device.forget(row.id);
    else this.notice = { kind: "occupied" };
  }

  async edit(row: Row, content: string): Promise<boolean> {
    const isDone = await this.#attempt(() => this.#device.edit(row.id, content));
    if (isDone && this.editing === row.id) this.editing = null;
    return isDone;
  }

  /** Change one's words, and have them answered anew. */
  async editAndAsk(row: Row, content: string): Promise<void> {
    const reply = this.messages.find((other) => other.message?.replyTo === row.id && !other.isOpen);
    if ((await this.edit(row, content)) && reply !== undefined) await this.retry(reply.id);
  }

  delete(row: Row): void {
    this.deletions.ask(row.id);
  }

  /** End the reply that is being written. */
  async stop(): Promise<void> {
    const reply = this.#rows.open[0];
    if (reply !== undefined) await this.#attempt(() => this.#device.stop(reply));
  }

  /** Have a reply written anew. */
  async retry(reply: string): Promise<void> {
    await this.#attempt(() => this.#device.retry(reply));
  }

  async useMode(mode: Mode): Promise<void> {
    await this.#attempt(() => this.#device.updateSession(this.session, { mode }));
  }

  async useLanguage(language: string): Promise<void> {
    await this.#attempt(() => this.#device.updateSession(this.session, { language }));
  }

  async loadOlder(): Promise<void> {
    if (this.isLoadingOlder || !this.hasOlder) return;
    this.isLoadingOlder = true;
    await this.#attempt(() => this.#device.openOlder(this.session));
    this.#showNow(true);
    this.isLoadingOlder = false;
  }

  /** Page back until a message is there, and in the page. False: it is not in this session. */
  async reach(message: string): Promise<boolean> {
    const isHere = () => this.messages.some((row) => row.id === message);
    while (!isHere() && this.hasOlder && this.notice === null) await this.loadOlder();
    this.#groups.reveal(message);
    return isHere();
  }

  /** Everything up to here has been seen. */
  markRead(): void {
    const { info } = this;
    if (info === null || !isUnread(info) || !this.isOnline) return;
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
    const { timeline } = this.#device;
    this.isOnline = this.#device.state === "in_step";
    const wasDeleted = this.info?.deletedAt !== undefined;
    this.info = timeline.sessions.get(this.session) ?? this.info;
    if (wasDeleted && this.info?.deletedAt === undefined) void this.#open();
    if (this.#rows.showAll()) this.#groups.show(this.messages);
    this.hasOlder = (timeline.opened.get(this.session) ?? 1) > 1;
    if (this.messages.length > 0) this.isLoading = false;
    this.announcer.hear(this.#rows.open, (id) => timeline.messages.get(id));
  }

  async #open(): Promise<void> {
    try {
      await this.#device.open(this.session);
      this.error = null;
    } catch (error) {
      excuse(error);
      if (error instanceof CommandRefused) this.error = error.problem;
    }
    this.isLoading = false;
    this.#showNow(true);
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
