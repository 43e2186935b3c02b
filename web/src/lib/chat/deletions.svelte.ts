/**
 * Messages that are about to be deleted. The hub keeps no way back from that, so it is told only after six seconds in
 * which the person may think again; then, or when the conversation is left, it is said. Time stands still while somebody
 * is at the way back. Undo is kinder than a question before each delete, which people soon answer without reading it.
 *
 * What is said is in the outbox, and so not shown any more, however long the hub takes.
 */
const HELD = 6_000;

interface Countdown {
  /** Milliseconds that were left at a time. */
  left: number;
  since: number;
  timer: ReturnType<typeof setTimeout> | undefined;
}

export class Deletions {
  /** They can still be undone. */
  held = $state.raw<ReadonlySet<string>>(new Set());
  readonly #countdowns = new Map<string, Countdown>();
  readonly #answers = new Set<Promise<void>>();
  readonly #say: (message: string) => Promise<void>;

  /** `say` returns once the hub has answered, whatever it says. */
  constructor(say: (message: string) => Promise<void>) {
    this.#say = say;
  }

  ask(message: string): void {
    if (this.#countdowns.has(message)) return;
    this.#countdowns.set(message, { left: HELD, since: 0, timer: undefined });
    this.go(message);
    this.#show();
  }

  /** Somebody is at the way back. */
  wait(message: string): void {
    const countdown = this.#countdowns.get(message);
    if (countdown?.timer === undefined) return;
    clearTimeout(countdown.timer);
    countdown.timer = undefined;
    countdown.left -= performance.now() - countdown.since;
  }

  /** Nobody is, or not any more. */
  go(message: string): void {
    const countdown = this.#countdowns.get(message);
    if (countdown === undefined || countdown.timer !== undefined) return;
    countdown.since = performance.now();
    countdown.timer = setTimeout(() => this.#finish(message), countdown.left);
  }

  undo(message: string): void {
    clearTimeout(this.#countdowns.get(message)?.timer);
    this.#countdowns.delete(message);
    this.#show();
  }

  /** Whoever leaves has not undone it. Returns when the hub has answered to all. */
  async finishAll(): Promise<void> {
    for (const message of [...this.#countdowns.keys()]) this.#finish(message);
    await Promise.all(this.#answers);
  }

  #finish(message: string): void {
    const answer = this.#say(message).then(() => void this.#answers.delete(answer));
    this.#answers.add(answer);
    this.undo(message);
  }

  #show(): void {
    this.held = new Set(this.#countdowns.keys());
  }
}
