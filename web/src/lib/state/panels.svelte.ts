/** What is open over the page: one thing at a time, and on small screens the list of sessions. */
export type Panel =
  { kind: "settings" | "shortcuts" | "devices" | "leaving" } | { kind: "session"; session: string };

export class Panels {
  open = $state.raw<Panel | null>(null);
  isListOpen = $state(false);
  /** Which session's name is being changed, in the list. */
  renaming = $state<string | null>(null);

  show(panel: Panel): void {
    this.open = panel;
  }

  close(): void {
    this.open = null;
  }
}
