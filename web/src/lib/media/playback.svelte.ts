/** A sound that is played: its address is asked for when it is first needed, and again when that has expired. */
import type { MediaRest } from "./hub";
import { linksOf } from "./sealed_links";

const SPEEDS = [1, 1.25, 1.5, 2, 0.75];
/** Beyond the end of everything: a browser that does not know how long a recording is looks for its end. */
const END = 1e10;

export class Playback {
  source = $state<string | undefined>(undefined);
  paused = $state(true);
  time = $state(0);
  duration = $state(Number.NaN);
  speed = $state(1);
  isBroken = $state(false);
  readonly #rest: MediaRest;
  readonly #url: string;
  #hasFailed = false;
  #isWanted = false;
  #from = 0;

  constructor(rest: MediaRest, url: string) {
    this.#rest = rest;
    this.#url = url;
  }

  async toggle(): Promise<void> {
    if (this.source !== undefined && !this.isBroken) return void (this.paused = !this.paused);
    this.#isWanted = true;
    await this.#ask(this.isBroken);
  }

  nextSpeed(): void {
    this.speed = SPEEDS[(SPEEDS.indexOf(this.speed) + 1) % SPEEDS.length] ?? 1;
  }

  /** How long a recording is does not stand at its beginning. */
  ready(sound: HTMLAudioElement): void {
    if (sound.duration !== Infinity) return this.#begin(sound);
    sound.addEventListener("durationchange", () => this.#begin(sound), { once: true });
    sound.currentTime = END;
  }

  /** The first time it may be the address that has expired: it goes on where it was, from another. */
  async failed(): Promise<void> {
    if (this.#hasFailed) return this.#break();
    this.#hasFailed = true;
    this.#from = this.time;
    this.#isWanted ||= !this.paused;
    await this.#ask(true);
  }

  #begin(sound: HTMLAudioElement): void {
    sound.currentTime = this.#from;
    this.#from = 0;
    this.paused = !this.#isWanted;
    this.#isWanted = false;
    this.#hasFailed = false;
  }

  async #ask(anew: boolean): Promise<void> {
    try {
      this.source = (await linksOf(this.#rest, this.#url, anew)).url;
      this.isBroken = false;
    } catch {
      this.#break();
    }
  }

  #break(): void {
    this.isBroken = this.paused = true;
    this.#hasFailed = this.#isWanted = false;
  }
}
