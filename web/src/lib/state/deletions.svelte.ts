/**
 * Messages that are about to be deleted. The hub keeps no way back from that, so it is told only after six seconds in
 * which the person may think again; then, or when the conversation is left, it is said. Undo is kinder than
 * a question before each delete, which people soon answer without reading it.
 */
const HELD = 6_000;

export class Deletions {
  held = $state.raw<ReadonlySet<string>>(new Set());
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #say: (message: string) => void;

  constructor(say: (message: string) => void) {
    this.#say = say;
  }

  ask(message: string): void {
    if (this.#timers.has(message)) return;
    this.#timers.set(
      message,
      setTimeout(() => this.#finish(message), HELD),
    );
    this.#show();
  }

  undo(message: string): void {
    clearTimeout(this.#timers.get(message));
    this.#timers.delete(message);
    this.#show();
  }

  /** Whoever leaves has not undone it. */
  finishAll(): void {
    for (const message of [...this.#timers.keys()]) this.#finish(message);
  }

  #finish(message: string): void {
    this.undo(message);
    this.#say(message);
  }

  #show(): void {
    this.held = new Set(this.#timers.keys());
  }
}
