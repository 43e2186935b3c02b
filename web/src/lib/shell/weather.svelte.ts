/**
 * How the connection does, as people should see it. Trouble that is over within a second is none: a banner that comes
 * and goes is worse than a connection that does.
 */
import type { Device } from "../client";

type Sky = "fine" | "offline" | "reconnecting" | "catching_up" | "degraded";

const BORNE = 1_000;
const LATE = 300;

/** What is wrong, of what may be wrong at once: the worst. */
export function skyOf(state: Device["state"], isOnline: boolean, isDegraded: boolean): Sky {
  if (state === "ended") return "fine"; // the sign-in says what has happened
  if (state === "in_step") return isDegraded ? "degraded" : "fine";
  if (!isOnline) return "offline";
  return state === "catching_up" ? "catching_up" : "reconnecting";
}

export class Weather {
  /** What is shown of it. */
  sky = $state<Sky>("fine");
  /** Whole seconds until the next attempt; 0 while it is made. */
  backIn = $state(0);
  readonly #device: Device;
  #told: Sky = "fine";
  #patience: ReturnType<typeof setTimeout> | null = null;
  #ticking: ReturnType<typeof setInterval> | null = null;

  constructor(device: Device) {
    this.#device = device;
  }

  /** Returns how to stop looking. */
  watch(): () => void {
    const look = () => this.#look();
    const stop = this.#device.on((happening) => {
      if (
        happening.type !== "event" ||
        happening.event.type === "degraded" ||
        happening.event.type === "welcome"
      )
        look();
    });
    addEventListener("online", look);
    addEventListener("offline", look);
    look();
    return () => {
      stop();
      removeEventListener("online", look);
      removeEventListener("offline", look);
      this.#rest();
      this.#tick(false);
    };
  }

  retryNow(): void {
    this.#device.retryNow();
  }

  #look(): void {
    const { state, timeline } = this.#device;
    this.#told = skyOf(state, navigator.onLine, timeline.degraded.length > 0);
    this.#count();
    if (this.#told === this.sky) return this.#rest();
    // Once there is a banner, what it says may change at once; and it stays a moment, so that it can be read.
    this.#patience ??= setTimeout(() => this.#turn(), this.sky === "fine" ? BORNE : LATE);
  }

  #turn(): void {
    this.#patience = null;
    this.sky = this.#told;
    this.#count();
    this.#tick(this.sky === "reconnecting" || this.sky === "offline");
  }

  #rest(): void {
    if (this.#patience !== null) clearTimeout(this.#patience);
    this.#patience = null;
  }

  #count(): void {
    const { backAt } = this.#device;
    this.backIn = backAt === null ? 0 : Math.max(0, Math.ceil((backAt - performance.now()) / 1_000));
  }

  #tick(on: boolean): void {
    if (this.#ticking !== null) clearInterval(this.#ticking);
    this.#ticking = on ? setInterval(() => this.#count(), 1_000) : null;
  }
}
