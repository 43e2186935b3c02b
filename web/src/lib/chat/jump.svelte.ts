/**
 * The way to one message: `#m=<id>` in the address pages back until it is there, brings it into view and marks it for
 * two seconds, so that the eye finds it.
 */
import { tick } from "svelte";
import { isTypedInto } from "../shell/shortcuts";
import type { ChatStore } from "./chat.svelte";
import { articleOf, rowOf } from "./elements";
import type { Scroll } from "./scroll.svelte";

const MARKED_FOR = 2_000;

export class Jump {
  marked = $state<string | null>(null);
  readonly #chat: ChatStore;
  readonly #scroll: Scroll;
  #jumps = 0;

  constructor(chat: ChatStore, scroll: Scroll) {
    this.#chat = chat;
    this.#scroll = scroll;
  }

  /** The last one counts, and none after `giveUp`. */
  async to(message: string): Promise<void> {
    const jump = ++this.#jumps;
    const isWanted = () => jump === this.#jumps;
    const isReached = await this.#chat.reach(message, isWanted);
    if (!isWanted()) return;
    if (!isReached) {
      this.#chat.notice ??= { kind: "gone" };
      return;
    }
    await tick();
    const row = rowOf(message);
    if (row === null) return;
    this.#scroll.show(row);
    if (!this.#isWriting) articleOf(message)?.focus({ preventScroll: true });
    this.marked = message;
    setTimeout(() => {
      if (this.marked === message) this.marked = null;
    }, MARKED_FOR);
  }

  /** The reader is elsewhere by now. */
  giveUp(): void {
    this.#jumps++;
  }

  /** Whoever has begun to write goes on writing. */
  get #isWriting(): boolean {
    return this.#chat.currentMessage !== "" && isTypedInto(document.activeElement);
  }
}
