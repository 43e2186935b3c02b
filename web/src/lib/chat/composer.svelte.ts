/**
 * What is being written to the tutor: the text, which is kept as a draft and told to other devices as typing, and what
 * hangs on it. Nothing that was written is ever thrown away here: what is too long stays, and is said to be.
 *
 * Nothing is `$derived` here: a composer outlives the part of the page that first asks for it, and what is derived there
 * stands still afterwards.
 */
import type { Device, Metadata, Mode } from "../client";
import type { MediaRest } from "../media/hub";
import { Tray } from "../media/tray.svelte";
import type { Drafts, Words } from "./drafts";
import { codePoints, contentLimit, spokenOf } from "./length";

const SAID_AGAIN = 3_000;

/** What the draft of a session goes by that has not begun. */
const BEGINNING = "new";
const NOTHING = { text: "", imageUrl: null, audioUrl: null };

/** Where one writes: a conversation, or the beginning of one. */
export interface Writing {
  readonly composer: Composer;
  /** The tutor is answering. */
  readonly isTyping: boolean;
  readonly mode: Mode;
  readonly language: string;
  /** False: it was not sent, and is still in the composer. */
  send(wordless: string): boolean;
  stop?(): unknown;
  useMode(mode: Mode): unknown;
  useLanguage(language: string): unknown;
}

/** What a composer has of the visit that it is part of. */
export interface Surroundings {
  device: Device;
  rest: MediaRest;
  drafts: Drafts;
}

export class Composer {
  readonly tray: Tray;
  length = $state(0);
  #words = $state.raw<Required<Words>>(NOTHING);
  readonly #device: Device;
  readonly #session: string | null;
  readonly #drafts: Drafts;
  #saidTypingAt = -Infinity;

  /** `session`: null, it has not begun. `tray`: that of before one signed in again. */
  constructor({ device, rest, drafts }: Surroundings, session: string | null, tray?: Tray) {
    this.#device = device;
    this.#session = session;
    this.#drafts = drafts;
    this.tray = tray ?? new Tray(rest, this);
    tray?.moveTo(rest, this);
    drafts.follow(this.#draft, (draft) => this.#show({ ...NOTHING, ...draft }));
  }

  get text(): string {
    return this.#words.text;
  }

  set text(text: string) {
    if (text === this.text) return;
    this.#write({ text });
    this.#sayTyping(text !== "");
  }

  get imageUrl(): string | null {
    return this.#words.imageUrl;
  }

  set imageUrl(imageUrl: string | null) {
    this.#write({ imageUrl });
  }

  get audioUrl(): string | null {
    return this.#words.audioUrl;
  }

  set audioUrl(audioUrl: string | null) {
    this.#write({ audioUrl });
  }

  get limit(): number {
    return contentLimit(this.#device);
  }

  get isTooLong(): boolean {
    return this.length > this.limit;
  }

  get isEmpty(): boolean {
    return this.length === 0 && this.imageUrl === null && this.audioUrl === null;
  }

  /** Somebody wants to send it. False: it can't be; if that is because of a file that is not there yet, it is said. */
  isReady(): boolean {
    this.tray.isAwaited = this.tray.waitsFor !== null;
    return !(this.isEmpty || this.isTooLong || this.tray.isAwaited);
  }

  /** Goes on with what was dictated. */
  add(text: string): void {
    this.text = [this.text, text].filter((part) => part !== "").join("\n");
  }

  /**
   * What came back from a failed send goes before what has been written since. False: it has a picture or a sound, and
   * another has its place here.
   */
  giveBack(content: string, { imageUrl, audioUrl }: Metadata = {}): boolean {
    const isTaken = (own: string | null, other: string | undefined) => own !== null && other !== undefined;
    if (isTaken(this.imageUrl, imageUrl) || isTaken(this.audioUrl, audioUrl)) return false;
    this.text = [content, this.text].filter((text) => text !== "").join("\n\n");
    this.imageUrl ??= imageUrl ?? null;
    this.audioUrl ??= audioUrl ?? null;
    return true;
  }

  /** All of it, to be sent; it is empty afterwards. `wordless` stands for the text of an attachment without one. */
  take(wordless: string): { content: string; metadata: Metadata } {
    const content = spokenOf(this.text) || wordless;
    const metadata: Metadata = { timestamp: new Date().toISOString() };
    if (this.imageUrl !== null) metadata.imageUrl = this.imageUrl;
    if (this.audioUrl !== null) metadata.audioUrl = this.audioUrl;
    this.#write(NOTHING);
    this.#sayTyping(false);
    return { content, metadata };
  }

  get #draft(): string {
    return this.#session ?? BEGINNING;
  }

  #write(change: Partial<Words>): void {
    this.#show({ ...this.#words, ...change });
    this.#drafts.write(this.#draft, this.#words);
  }

  #show(words: Required<Words>): void {
    if (words.text !== this.text) this.length = codePoints(spokenOf(words.text));
    this.#words = words;
  }

  #sayTyping(active: boolean): void {
    if (this.#session === null) return;
    const now = performance.now();
    if (active && now - this.#saidTypingAt < SAID_AGAIN) return;
    this.#saidTypingAt = active ? now : -Infinity;
    this.#device.typing(this.#session, active);
  }
}
