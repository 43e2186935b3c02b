// Web Locks as far as tabs use them, for a runtime that has none: one holder at a time, a queue, steal, and signal.
// The tests in a browser have the real ones.

type Callback = () => Promise<void>;
interface Request {
  run: () => void;
  signal: AbortSignal | undefined;
}

export class Locks {
  readonly #waiting: Request[] = [];
  #lose: ((reason: Error) => void) | null = null;

  /** As `navigator.locks.request`, of one name. */
  request(_name: string, { steal, signal }: LockOptions, callback: Callback): Promise<void> {
    return new Promise((resolve, reject) => {
      const run = () => {
        this.#lose = reject;
        void callback().then(() => this.#release(reject, resolve));
      };
      signal?.addEventListener("abort", () => this.#forget(run, reject));
      if (steal) this.#lose?.(new DOMException("stolen", "AbortError"));
      if (steal || !this.#lose) run();
      else this.#waiting.push({ run, signal });
    });
  }

  #release(holder: (reason: Error) => void, resolve: () => void): void {
    if (this.#lose !== holder) return;
    this.#lose = null;
    resolve();
    this.#waiting.shift()?.run();
  }

  #forget(run: () => void, reject: (reason: Error) => void): void {
    const place = this.#waiting.findIndex((each) => each.run === run);
    if (place < 0) return;
    this.#waiting.splice(place, 1);
    reject(new DOMException("aborted", "AbortError"));
  }
}
