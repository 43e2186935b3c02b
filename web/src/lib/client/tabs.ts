/**
 * The tabs of one user in one browser: one of them speaks for all, and each knows what any of them has said.
 *
 * Every tab holds the whole outbox, because whatever is written into it is written here: into the store, and to the
 * other tabs. Who holds a Web Lock says what is in it, and tells the others what came of it. When that tab goes, the
 * next one gets the lock and says again what was not acknowledged: it is known by its ids, so nothing is done twice.
 * A tab that has a connection does not wait for one that is asleep: it takes the lock from it. Where there are no
 * locks each tab speaks for itself.
 */

import type { Settled } from "./answers";
import type { SharedJournal } from "./exchange";
import type { Entry } from "./outbox";
import { channelOf, CLEARED, type Store } from "./store";

type Told =
  | { type: "write"; entry: Entry }
  | { type: "strike"; id: string }
  | { type: "said"; id: string }
  | { type: "answered"; id: string; outcome: Settled }
  | typeof CLEARED;

/** What a tab hears of the others. */
export interface Tab {
  read(entries: Entry[], times?: number): void;
  readStruck(id: string): void;
  readSaid(id: string): void;
  readAnswered(id: string, outcome: Settled): void;
  speakForAll(speaks: boolean): void;
}

/** For a page that is alone: what is said is written down, and that is all. */
export class Notebook implements SharedJournal {
  constructor(private readonly store: Store) {}

  write(entry: Entry): void {
    void this.store.writeEntry(entry);
  }

  strike(id: string): void {
    void this.store.strikeEntry(id);
  }

  said(): void {}

  answered(): void {}

  takeOver(): void {}
}

export class Tabs implements SharedJournal {
  readonly #name: string;
  readonly #channel: BroadcastChannel;
  #tab: Tab | null = null;
  #signedOut: () => void = () => undefined;
  #waiting = new AbortController();
  #letGo: (() => void) | null = null;

  constructor(
    private readonly store: Store,
    private readonly locks: LockManager,
  ) {
    this.#name = channelOf(store.user);
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#hear(data as Told);
  }

  /** From now on the tab hears of the others, and speaks for them when its turn comes; until one has signed out. */
  enter(tab: Tab, signedOut: () => void): void {
    this.#tab = tab;
    this.#signedOut = signedOut;
    tab.speakForAll(false);
    this.#waitForTurn();
    void this.store.readEntries().then((entries) => this.#tab?.read(entries, 1));
  }

  leave(): void {
    this.#tab = null;
    this.#waiting.abort();
    this.#letGo?.();
    this.#channel.close();
  }

  write(entry: Entry): void {
    void this.store.writeEntry(entry);
    this.#tell({ type: "write", entry });
  }

  strike(id: string): void {
    void this.store.strikeEntry(id);
    this.#tell({ type: "strike", id });
  }

  said(id: string): void {
    this.#tell({ type: "said", id });
  }

  answered(id: string, outcome: Settled): void {
    this.#tell({ type: "answered", id, outcome });
  }

  takeOver(): void {
    this.#waiting.abort();
    this.#request({ steal: true });
  }

  #tell(told: Told): void {
    if (this.#tab) this.#channel.postMessage(told);
  }

  #hear(told: Told): void {
    switch (told.type) {
      case "write":
        return this.#tab?.read([told.entry]);
      case "strike":
        return this.#tab?.readStruck(told.id);
      case "said":
        return this.#tab?.readSaid(told.id);
      case "answered":
        return this.#tab?.readAnswered(told.id, told.outcome);
      case "cleared":
        this.store.end();
        return this.#signedOut();
    }
  }

  #waitForTurn(): void {
    this.#waiting = new AbortController();
    this.#request({ signal: this.#waiting.signal });
  }

  /**
   * Speak while the lock is held; whoever loses it to another tab waits for it again. Where the browser denies locks, as
   * it denies storage, no tab knows of another, and each speaks for itself.
   */
  #request(options: LockOptions): void {
    this.locks
      .request(this.#name, options, () => this.#speak())
      .catch((error: unknown) => {
        if (!this.#tab || options.signal?.aborted) return;
        if (!(error instanceof DOMException) || error.name !== "AbortError") return this.#speak();
        this.#tab.speakForAll(false);
        this.#waitForTurn();
      });
  }

  async #speak(): Promise<void> {
    const letGo = new Promise<void>((resolve) => (this.#letGo = resolve));
    this.#tab?.read(await this.store.readEntries(), 1);
    this.#tab?.speakForAll(true);
    await letGo;
  }
}
