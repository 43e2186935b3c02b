/** What is open over the page: one thing at a time, and on small screens the list of sessions. */
import { MediaQuery } from "svelte/reactivity";

export type Panel =
  { kind: "settings" | "shortcuts" | "devices" | "leaving" } | { kind: "session"; session: string };

export class Panels {
  open = $state.raw<Panel | null>(null);
  isListOpen = $state(false);
  readonly #isSmall = new MediaQuery("width < 52rem");
  /** Which session's name is being changed, in the list. */
  renaming = $state<string | null>(null);

  /** The list lies over the page. On a large screen it stands beside it. */
  get isDrawn(): boolean {
    return this.isListOpen && this.#isSmall.current;
  }

  show(panel: Panel): void {
    this.open = panel;
  }

  close(): void {
    this.open = null;
  }
}
