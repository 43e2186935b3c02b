/**
 * Where one writes: a composer for each conversation, and one for the beginning of the next. They last as long as the
 * visit, so that what is under way in one goes on while one looks elsewhere, and ends where it was begun. What hangs on them
 * goes on in the next visit of the same user: a file is nowhere but in the page.
 */
import type { Tray } from "../media/tray.svelte";
import { Composer, type Surroundings } from "./composer.svelte";

export type Trays = Map<string | null, Tray>;

export class Composers {
  readonly #around: Surroundings;
  readonly #all = new Map<string | null, Composer>();

  /** `trays`: those of the visit before. */
  constructor(around: Surroundings, trays: Trays = new Map()) {
    this.#around = around;
    for (const [session, tray] of trays) this.#all.set(session, new Composer(around, session, tray));
  }

  /** `session`: null, it has not begun. */
  of(session: string | null): Composer {
    const composer = this.#all.get(session) ?? new Composer(this.#around, session);
    this.#all.set(session, composer);
    return composer;
  }

  /** How many files are only in the page, with what is being recorded: they would go with it. */
  get unsentFiles(): number {
    return [...this.#all.values()].reduce((files, { tray }) => files + tray.unsent, 0);
  }

  /** What hangs on them belongs to another visit from now on. */
  release(): Trays {
    const trays: Trays = new Map([...this.#all].map(([session, { tray }]) => [session, tray]));
    this.#all.clear();
    return trays;
  }

  close(): void {
    for (const { tray } of this.#all.values()) tray.cancel();
  }
}
