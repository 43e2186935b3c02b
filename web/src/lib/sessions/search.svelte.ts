/**
 * The hub's search over everything that was ever said, asked once the reader pauses. An answer to what is not asked
 * any more is dropped: words and results always belong together.
 */
import type { Device, SearchHit, SearchPage } from "../client";
import { excuse } from "../shell/excuse";

const PAUSE = 250;
/** The most letters that the hub looks for. */
const LONGEST = 200;

export class Search {
  hits = $state.raw<SearchHit[]>([]);
  /** What the hits were found by; while the next are looked for, it is not what is asked. */
  words = $state("");
  /** Nothing has the very words: these were looked for instead. */
  similar = $state.raw<string[]>([]);
  /** `failed`: refused, or there is no connection; what is here is all there is, until `again`. */
  phase = $state<"idle" | "searching" | "done" | "failed">("idle");
  hasMore = $state(false);
  readonly #device: Pick<Device, "search">;
  #asked = "";
  #cursor: string | undefined;
  /** Where the page begins that did not come. */
  #missed: string | undefined;
  #pause: ReturnType<typeof setTimeout> | null = null;

  constructor(device: Pick<Device, "search">) {
    this.#device = device;
  }

  ask(query: string): void {
    const words = Array.from(query.trim()).slice(0, LONGEST).join("");
    if (words === this.#asked) return;
    this.#asked = words;
    if (this.#pause !== null) clearTimeout(this.#pause);
    if (words === "") return this.#clear();
    this.phase = "searching";
    this.#pause = setTimeout(() => void this.#page(), PAUSE);
  }

  async more(): Promise<void> {
    if (this.phase === "done" && this.hasMore) await this.#page(this.#cursor);
  }

  /** Ask for the page that did not come. */
  again(): void {
    if (this.phase === "failed") void this.#page(this.#missed);
  }

  async #page(before?: string): Promise<void> {
    const asked = this.#asked;
    this.phase = "searching";
    try {
      const page = await this.#device.search(asked, before);
      if (asked === this.#asked) this.#take(page, before === undefined ? [] : this.hits);
    } catch (error) {
      excuse(error);
      if (asked !== this.#asked) return;
      this.#missed = before;
      this.phase = "failed";
    }
  }

  #take(page: SearchPage, former: SearchHit[]): void {
    this.hits = [...former, ...page.hits];
    this.words = this.#asked;
    this.similar = page.similar ?? [];
    this.#cursor = page.cursor ?? undefined;
    this.hasMore = page.cursor !== null;
    this.phase = "done";
  }

  #clear(): void {
    this.hits = [];
    this.similar = [];
    this.hasMore = false;
    this.phase = "idle";
  }
}
