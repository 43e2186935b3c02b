/**
 * What is written and not sent with what hangs on it, one draft a session, kept while one types. Whoever wrote last has
 * written it: an older one never replaces a newer one, be it from before signing in again, or from another tab; another
 * tab that shows the session shows what is written here, and so goes on from it. Only what is written before the store has
 * said what it has does not replace that, but goes on from it. The store is written without looking, as the page may go
 * before it hears what is there; a tab that hears of a later draft keeps its own no more.
 */
import type { Draft, Store } from "../client";

type Listener = (draft: Draft) => void;
type ListenerToAll = (name: string, draft: Draft) => void;
type DraftStore = Pick<Store, "draft" | "drafts" | "keepDraft">;
export type Words = Omit<Draft, "at">;
interface Heard extends Draft {
  session: string;
}

const SAVED_AFTER = 300;

export function isNewer(offered: Draft, held: Draft | undefined): boolean {
  return held === undefined || offered.at > held.at;
}

function isNothing({ text, imageUrl, audioUrl }: Words): boolean {
  return text === "" && !imageUrl && !audioUrl;
}

function joined(before: Words, after: Words): Words {
  return {
    text: [before.text, after.text].filter((text) => text !== "").join("\n\n"),
    imageUrl: after.imageUrl ?? before.imageUrl ?? null,
    audioUrl: after.audioUrl ?? before.audioUrl ?? null,
  };
}

export class Drafts {
  readonly #store: DraftStore;
  readonly #tabs: BroadcastChannel;
  readonly #held = new Map<string, Draft>();
  readonly #listeners = new Map<string, Listener>();
  readonly #listenersToAll = new Map<string, ListenerToAll>();
  /** What is written here and not known to be kept. */
  readonly #unkept = new Set<string>();
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  /** `user`: the tabs of one user tell each other. */
  constructor(store: DraftStore, user: string) {
    this.#store = store;
    this.#tabs = new BroadcastChannel(`tutorhub.drafts.${user}`);
    this.#tabs.addEventListener("message", ({ data }: MessageEvent<Heard>) => this.#take(data.session, data));
  }

  /** Tells the one listener of the session what is kept of it, and whenever another tab writes. */
  follow(session: string, listener: Listener): void {
    this.#listeners.set(session, listener);
    const held = this.#held.get(session);
    if (held !== undefined) listener(held);
    else void this.#store.draft(session).then((kept) => kept !== null && this.#meet(session, kept));
  }

  /** The same for all that go by a name which begins so, and not by a session's id. */
  followAll(beginning: string, listener: ListenerToAll): void {
    this.#listenersToAll.set(beginning, listener);
    void this.#store.drafts().then((kept) => {
      for (const [name, draft] of kept) if (name.startsWith(beginning)) this.#take(name, draft);
    });
  }

  write(session: string, words: Words): void {
    const at = Math.max(Date.now(), (this.#held.get(session)?.at ?? 0) + 1);
    this.#held.set(session, { ...words, at });
    this.#unkept.add(session);
    if (isNothing(words)) void this.#save(session);
    else if (!this.#timers.has(session)) {
      this.#timers.set(
        session,
        setTimeout(() => void this.#save(session), SAVED_AFTER),
      );
    }
  }

  /** Nothing is written that this tab knows of. */
  get areEmpty(): boolean {
    return [...this.#held.values()].every(isNothing);
  }

  /** To be called when the page may be about to go. */
  saveAll(): void {
    for (const session of this.#unkept) void this.#save(session);
  }

  close(): void {
    this.saveAll();
    this.#tabs.close();
  }

  /** What was kept is there at last: it goes before what has been written here meanwhile. */
  #meet(session: string, kept: Draft): void {
    const written = this.#held.get(session);
    if (written === undefined || !this.#unkept.has(session)) return this.#take(session, kept);
    const both = { ...joined(kept, written), at: written.at + 1 };
    this.#take(session, both);
    this.write(session, both);
  }

  #take(session: string, offered: Draft): void {
    if (!isNewer(offered, this.#held.get(session))) return;
    const { text, imageUrl = null, audioUrl = null, at } = offered;
    const draft = { text, imageUrl, audioUrl, at };
    this.#held.set(session, draft);
    this.#unkept.delete(session);
    this.#listeners.get(session)?.(draft);
    for (const [beginning, tell] of this.#listenersToAll)
      if (session.startsWith(beginning)) tell(session, draft);
  }

  async #save(session: string): Promise<void> {
    if (!this.#unkept.has(session)) return;
    const draft = this.#say(session);
    if (draft === undefined) return;
    await this.#store.keepDraft(session, isNothing(draft) ? null : draft);
    if (this.#held.get(session) === draft) this.#unkept.delete(session);
  }

  /** Tells the other tabs what is written now. */
  #say(session: string): Draft | undefined {
    clearTimeout(this.#timers.get(session));
    this.#timers.delete(session);
    const draft = this.#held.get(session);
    if (draft !== undefined) this.#tabs.postMessage({ session, ...draft } satisfies Heard);
    return draft;
  }
}
