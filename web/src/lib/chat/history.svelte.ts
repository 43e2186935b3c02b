/**
 * How far back a conversation is here: it is opened, its earlier pages come when they are asked for, and it is opened
 * anew when it is brought back after it was deleted, be that known here or not.
 */
import { CommandRefused, type Device, type Problem } from "../client";
import type { Rows } from "./rows.svelte";

/** The chat that it is a part of. */
interface Chat {
  device: Device;
  session: string;
  rows: Rows;
  /** False: it was refused, or nobody knows; the person is told. */
  attempt(act: () => Promise<unknown>): Promise<boolean>;
  /** Show what has come. */
  show(): void;
}

export class History {
  isOpened = $state(false);
  hasOlder = $state(false);
  /** The page before was refused; it is not asked for again before somebody says so. */
  hasFailedOlder = $state(false);
  /** Why the session can't be shown. */
  error = $state.raw<Problem | null>(null);
  readonly #chat: Chat;
  #opening: Promise<void> = Promise.resolve();
  #older = $state.raw<Promise<boolean> | null>(null);
  #wasGone = false;

  constructor(chat: Chat) {
    this.#chat = chat;
  }

  get isLoadingOlder(): boolean {
    return this.#older !== null;
  }

  open(): void {
    this.#opening = this.#openNow();
  }

  /** To be called when the rows have changed. */
  keepUp(): void {
    const { device, session, rows } = this.#chat;
    const row = device.timeline.sessions.get(session);
    const isGone = row === undefined ? this.error !== null : row.deletedAt !== undefined;
    if (this.#wasGone && !isGone) this.open();
    this.#wasGone = isGone;
    this.hasOlder = (device.timeline.opened.get(session) ?? 1) > 1;
    if (rows.isBehind && this.hasOlder && !this.hasFailedOlder && !this.isLoadingOlder) void this.loadOlder();
  }

  /** Have the page before. False: there is none, or it was refused. */
  loadOlder(): Promise<boolean> {
    return (this.#older ??= this.#loadOlder().finally(() => (this.#older = null)));
  }

  /** Page back until a message is there. False: it is not in this session. */
  async reach(message: string, isWanted: () => boolean): Promise<boolean> {
    const isHere = () => this.#chat.rows.shown.some((row) => row.id === message);
    if (!isHere()) await this.#opening;
    while (isWanted() && !isHere() && (await this.loadOlder()));
    return isHere();
  }

  async #openNow(): Promise<void> {
    const { device, session, attempt, show } = this.#chat;
    await attempt(async () => (this.error = await device.open(session).then(() => null, refusal)));
    this.isOpened = true;
    show();
  }

  async #loadOlder(): Promise<boolean> {
    if (!this.hasOlder) return false;
    const { device, session, attempt, show } = this.#chat;
    let isThere = false;
    this.hasFailedOlder = !(await attempt(async () => (isThere = await device.openOlder(session))));
    show();
    return isThere;
  }
}

/** What passes, the device waits for: what is refused here will be. */
function refusal(error: unknown): Problem {
  if (error instanceof CommandRefused) return error.problem;
  throw error;
}
