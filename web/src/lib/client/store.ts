/**
 * What a device keeps on this machine, under the user's name: so that a reload, or a day offline, loses nothing.
 *
 * It never throws into the page. What cannot be written because storage is full or blocked is remembered until the page
 * is closed, and `isKept` says so. What others wrote (sends, drafts) comes before what can be read again from the hub:
 * to make room, the latter is thrown away.
 */

import type { Entry } from "./outbox";
import { Database, Memory, type Shelf, type Shelves } from "./shelves";
import type { Message, Reply, Session } from "./wire";

/** Sessions whose messages are kept: those that were read last. */
const SESSIONS_KEPT = 50;
/** A browser may ask its user, or wait for another tab, before it opens the storage; a page does not. */
const OPEN_WITHIN_MS = 3000;
const EVERYTHING: Shelf[] = ["lists", "messages", "outbox", "drafts"];
const LIST = "sessions";

/** The session list as it was at `seq`, from which a device resumes. */
export interface KeptList {
  epoch: string;
  seq: number;
  sessions: Session[];
  /** The key of the last session that is listed, and what asks for those after it; null: there are no more. */
  oldest: string | null;
  older: string | null;
}

/** The last messages of a session, for reading them without a connection. `at`: by `Date.now()`. */
export interface KeptMessages {
  messages: Message[];
  replies: Reply[];
  at: number;
}

/** What somebody has begun to write, what hangs on it by its addresses, and when (`Date.now()`). */
export interface Draft {
  text: string;
  imageUrl?: string | null;
  audioUrl?: string | null;
  at: number;
}

/** What tabs of a user tell each other goes by this name; and this, when one of them has signed out. */
export const channelOf = (user: string) => `tutorhub ${user}`;
export const CLEARED = { type: "cleared" } as const;

export class Store {
  /** What was kept when the page began. */
  list: KeptList | null = null;
  entries: Entry[] = [];
  /** Called when, for the first time, something of the user's own words does not fit. */
  onFull: () => void = () => undefined;
  readonly #memory = new Memory();
  #isOver = false;
  #wasFull = false;

  /** Made by `openStore`. */
  constructor(
    readonly user: string,
    private readonly shelves: Shelves | null,
  ) {}

  /** False: storage is full or blocked, and something of the user's own words does not outlive the page. */
  get isKept(): boolean {
    return this.shelves !== null && this.#memory.isEmpty;
  }

  /** Nothing is kept here any more: somebody has signed out. */
  get isOver(): boolean {
    return this.#isOver;
  }

  async begin(): Promise<void> {
    this.list = ((await this.#read("lists", LIST)) as KeptList | undefined) ?? null;
    this.entries = await this.readEntries();
  }

  // Drafts.

  async draft(session: string): Promise<Draft | null> {
    return ((await this.#read("drafts", session)) as Draft | undefined) ?? null;
  }

  /** Whatever was there; null: nothing. Which of two is later is for the tabs to know: none of them looks first. */
  async keepDraft(session: string, draft: Draft | null): Promise<void> {
    await this.#put("drafts", session, draft ?? undefined);
  }

  /** All that there are. */
  async drafts(): Promise<Map<string, Draft>> {
    return new Map((await this.#all("drafts")) as [string, Draft][]);
  }

  // What the hub may not have heard.

  async readEntries(): Promise<Entry[]> {
    const entries = (await this.#all("outbox")).map(([, entry]) => entry as Entry);
    return entries.sort((one, other) => one.order - other.order);
  }

  async writeEntry(entry: Entry): Promise<void> {
    await this.#put("outbox", entry.id, entry);
  }

  async strikeEntry(id: string): Promise<void> {
    await this.#put("outbox", id, undefined);
  }

  // What can be read again.

  async keepList(list: KeptList): Promise<void> {
    await this.#cache("lists", LIST, list);
  }

  async messages(session: string): Promise<KeptMessages | null> {
    return ((await this.#read("messages", session)) as KeptMessages | undefined) ?? null;
  }

  async keepMessages(session: string, kept: KeptMessages): Promise<void> {
    await this.#cache("messages", session, kept);
  }

  async dropMessages(session: string): Promise<void> {
    await this.#cache("messages", session, undefined);
  }

  /** Throw away the messages of sessions that nobody has read for long. */
  async tidy(): Promise<void> {
    const kept = (await this.#all("messages")) as [string, KeptMessages][];
    kept.sort(([, one], [, other]) => other.at - one.at);
    for (const [session] of kept.slice(SESSIONS_KEPT)) await this.dropMessages(session);
  }

  /** Forget everything of the user's, at sign-out. Nothing is kept here any more, and the other tabs leave, too. */
  async clear(): Promise<void> {
    this.end();
    tellOthers(this.user);
    await this.#memory.clear(...EVERYTHING);
    await this.shelves?.clear(...EVERYTHING).catch(() => undefined);
  }

  /** Keep nothing from now on. */
  end(): void {
    this.#isOver = true;
  }

  async #read(shelf: Shelf, key: string): Promise<unknown> {
    if (this.#memory.has(shelf, key)) return this.#memory.read(shelf, key);
    return this.shelves?.read(shelf, key).catch(() => undefined);
  }

  async #all(shelf: Shelf): Promise<[string, unknown][]> {
    const kept = (await this.shelves?.all(shelf).catch(() => [])) ?? [];
    return [...new Map([...kept, ...(await this.#memory.all(shelf))])];
  }

  async #put(shelf: Shelf, key: string, value: unknown): Promise<void> {
    if (this.#isOver) return;
    if (await this.#isWritten((shelves) => shelves.put(shelf, key, value)))
      await this.#memory.put(shelf, key, undefined);
    else await this.#remember(shelf, key, value);
  }

  /** There is no room on the shelf: it is kept in memory. */
  async #remember(shelf: Shelf, key: string, value: unknown): Promise<void> {
    await this.#memory.put(shelf, key, value);
    if (this.isKept || this.#wasFull) return;
    this.#wasFull = true;
    this.onFull();
  }

  async #isWritten(onto: (shelves: Shelves) => Promise<void>): Promise<boolean> {
    const shelves = this.shelves;
    if (!shelves) return false;
    const write = () => onto(shelves).then(() => true);
    const makeRoom = () => shelves.clear("messages", "lists");
    return write().catch(() =>
      makeRoom()
        .then(write)
        .catch(() => false),
    );
  }

  async #cache(shelf: Shelf, key: string, value: unknown): Promise<void> {
    if (!this.#isOver) await this.shelves?.put(shelf, key, value).catch(() => undefined);
  }
}

/** What is kept of a user; in memory alone where nothing else is to be had. */
export async function openStore(user: string): Promise<Store> {
  const store = new Store(user, await openShelves(channelOf(user)));
  await store.begin();
  void store.tidy();
  return store;
}

function tellOthers(user: string): void {
  if (typeof BroadcastChannel === "undefined") return;
  const channel = new BroadcastChannel(channelOf(user));
  channel.postMessage(CLEARED);
  channel.close();
}

async function openShelves(name: string): Promise<Shelves | null> {
  if (typeof indexedDB === "undefined") return null;
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), OPEN_WITHIN_MS));
  return Promise.race([Database.open(name), late]).catch(() => null);
}
