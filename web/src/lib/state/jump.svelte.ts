/**
 * The way to one message: `#m=<id>` in the address pages back until it is there, brings it into view and marks it for
 * two seconds, so that the eye finds it.
 */
import { tick } from "svelte";
import type { ChatStore } from "./chat.svelte";
import type { Scroll } from "./scroll.svelte";

const MARKED_FOR = 2_000;

export class Jump {
  marked = $state<string | null>(null);
  readonly #chat: ChatStore;
  readonly #scroll: Scroll;

  constructor(chat: ChatStore, scroll: Scroll) {
    this.#chat = chat;
    this.#scroll = scroll;
  }

  async to(message: string): Promise<void> {
    if (!(await this.#chat.reach(message))) {
      this.#chat.notice ??= { kind: "gone" };
      return;
    }
    await tick();
    const row = document.getElementById(`m-${message}`);
    if (row === null) return;
    this.#scroll.show(row);
    row.querySelector("article")?.focus({ preventScroll: true });
    this.marked = message;
    setTimeout(() => {
      if (this.marked === message) this.marked = null;
    }, MARKED_FOR);
  }
}
