/**
 * What is being written to the tutor: the text, which is kept as a draft and told to other devices as typing, and what
 * hangs on it. Nothing that was written is ever thrown away here: what is too long stays, and is said to be.
 */
import type { Device, Metadata } from "../client";
import type { Drafts } from "./drafts";
import { codePoints, contentLimit } from "./length";

const SAID_AGAIN = 3_000;

export class Composer {
  imageUrl = $state<string | null>(null);
  audioUrl = $state<string | null>(null);
  #text = $state("");
  readonly #device: Device;
  readonly #session: string;
  readonly #drafts: Drafts;
  #saidTypingAt = -Infinity;

  constructor(device: Device, session: string, drafts: Drafts) {
    this.#device = device;
    this.#session = session;
    this.#drafts = drafts;
  }

  /** Returns how to stop. */
  start(): () => void {
    return this.#drafts.follow(this.#session, (draft) => (this.#text = draft.text));
  }

  get text(): string {
    return this.#text;
  }

  set text(text: string) {
    if (text === this.#text) return;
    this.#text = text;
    this.#drafts.write(this.#session, text);
    this.#sayTyping(text !== "");
  }

  get limit(): number {
    return contentLimit(this.#device);
  }

  readonly length = $derived(codePoints(this.#text.trim()));

  get isTooLong(): boolean {
    return this.length > this.limit;
  }

  get isEmpty(): boolean {
    return this.length === 0 && this.imageUrl === null && this.audioUrl === null;
  }

  /** Goes on with what was dictated. */
  add(text: string): void {
    this.text = [this.#text, text].filter((part) => part !== "").join("\n");
  }

  /**
   * What came back from a failed send goes before what has been written since. False: it has a picture or a sound, and
   * another has its place here.
   */
  giveBack(content: string, { imageUrl, audioUrl }: Metadata = {}): boolean {
    const isTaken = (own: string | null, other: string | undefined) => own !== null && other !== undefined;
    if (isTaken(this.imageUrl, imageUrl) || isTaken(this.audioUrl, audioUrl)) return false;
    this.text = [content, this.#text].filter((text) => text !== "").join("\n\n");
    this.imageUrl ??= imageUrl ?? null;
    this.audioUrl ??= audioUrl ?? null;
    return true;
  }

  /** All of it, to be sent; it is empty afterwards. `wordless` stands for the text of an attachment without one. */
  take(wordless: string): { content: string; metadata: Metadata } {
    const content = this.#text.replaceAll("\0", "").trim() || wordless;
    const metadata: Metadata = { timestamp: new Date().toISOString() };
    if (this.imageUrl !== null) metadata.imageUrl = this.imageUrl;
    if (this.audioUrl !== null) metadata.audioUrl = this.audioUrl;
    this.text = "";
    this.imageUrl = this.audioUrl = null;
    return { content, metadata };
  }

  #sayTyping(active: boolean): void {
    const now = performance.now();
    if (active && now - this.#saidTypingAt < SAID_AGAIN) return;
    this.#saidTypingAt = active ? now : -Infinity;
    this.#device.typing(this.#session, active);
  }
}
