/**
 * Where one writes: a composer for each conversation, and one for the beginning of the next. They last as long as the
 * visit, so that what is under way in one goes on while one looks elsewhere, and ends where it was begun.
 */
import { Composer, type Surroundings } from "./composer.svelte";

export class Composers {
  readonly #around: Surroundings;
  readonly #all = new Map<string | null, Composer>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** `session`: null, it has not begun. */
  of(session: string | null): Composer {
    const composer = this.#all.get(session) ?? new Composer(this.#around, session);
    this.#all.set(session, composer);
    return composer;
  }

  /** How many files are only in the page: they would go with it. */
  get unsentFiles(): number {
    return [...this.#all.values()].flatMap(({ tray }) => tray.unfinished).length;
  }

  close(): void {
    for (const { tray } of this.#all.values()) tray.cancel();
  }
}
