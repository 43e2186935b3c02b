/**
 * Messages that are about to be deleted. The hub keeps no way back from that, so it is told only after six seconds in
 * which the person may think again; then, or when the conversation is left, it is said. Undo is kinder than
 * a question before each delete, which people soon answer without reading it.
 *
 * What is said is not shown any more, however long the hub takes; if it is refused, the message is back.
 */
const HELD = 6_000;

export class Deletions {
  /** They can still be undone. */
  held = $state.raw<ReadonlySet<string>>(new Set());
  /** The hub is told, or was. */
  going = $state.raw<ReadonlySet<string>>(new Set());
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #answers = new Set<Promise<void>>();
  readonly #say: (message: string) => Promise<boolean>;

  /** `say`: false, once it is refused. */
  constructor(say: (message: string) => Promise<boolean>) {
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

  /** Whoever leaves has not undone it. Returns when the hub has answered to all. */
  async finishAll(): Promise<void> {
    for (const message of [...this.#timers.keys()]) this.#finish(message);
    await Promise.all(this.#answers);
  }

  #finish(message: string): void {
    this.going = new Set([...this.going, message]);
    this.undo(message);
    const answer = this.#say(message).then((isDone) => {
      if (!isDone) this.going = new Set([...this.going].filter((other) => other !== message));
      this.#answers.delete(answer);
    });
    this.#answers.add(answer);
  }

  #show(): void {
    this.held = new Set(this.#timers.keys());
  }
}
