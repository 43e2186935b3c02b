/**
 * What the reader is told in passing, and may undo. Read aloud once, by the live region that shows it. Time stands
 * still while somebody is at them, so that nobody has to hurry to a button.
 */
export interface Action {
  label: string;
  act: () => void;
}
interface Toast {
  readonly id: number;
  readonly text: string;
  readonly action: Action | null;
  /** Milliseconds that it is shown yet. */
  left: number;
}

const SHOWN = 6_000;
/** So many are seen at once: more would lie over the page. The rest is behind them, and its time runs as well. */
const SEEN = 3;

export class Toasts {
  shown = $state.raw<Toast[]>([]);
  /** Those behind the latest are seen too, because somebody has asked for them. */
  isSpread = $state(false);
  #last = 0;
  #since = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;

  get seen(): Toast[] {
    return this.isSpread ? this.shown : this.shown.slice(-SEEN);
  }

  get countBehind(): number {
    return this.shown.length - this.seen.length;
  }

  /** Shown for so many milliseconds. Returns its id, by which it can be dismissed. */
  show(
    text: string,
    { action = null, lasts = SHOWN }: { action?: Action | null; lasts?: number } = {},
  ): number {
    this.wait();
    this.#last += 1;
    this.#show([...this.shown, { id: this.#last, text, action, left: lasts }]);
    this.go();
    return this.#last;
  }

  dismiss(id: number): void {
    this.#show(this.shown.filter((toast) => toast.id !== id));
  }

  clear(): void {
    this.#show([]);
  }

  /** Somebody is at them. */
  wait(): void {
    if (this.#timer === null) return;
    clearTimeout(this.#timer);
    this.#timer = null;
    const passed = performance.now() - this.#since;
    for (const toast of this.shown) toast.left -= passed;
  }

  /** Nobody is at them, or not any more. */
  go(): void {
    this.wait();
    if (this.shown.length === 0) return;
    this.#since = performance.now();
    this.#timer = setTimeout(
      () => this.#end(),
      Math.max(0, Math.min(...this.shown.map((toast) => toast.left))),
    );
  }

  #end(): void {
    this.wait();
    this.#show(this.shown.filter((toast) => toast.left > 0));
    this.go();
  }

  #show(toasts: Toast[]): void {
    this.shown = toasts;
    if (toasts.length <= SEEN) this.isSpread = false;
  }
}
