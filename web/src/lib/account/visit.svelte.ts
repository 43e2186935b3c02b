/** All that goes with an account while it is signed in: its device, what is kept here, and what is shown of them. */
import { getContext, setContext } from "svelte";
import {
  CloseCode,
  connect,
  CommandRefused,
  type Device,
  type GaveUp,
  Rest,
  type Session,
  type Store,
} from "../client";
import { explained } from "../i18n/explained";
import { t } from "../i18n/index.svelte";
import type { Account } from "./account";
import { Beginning } from "../chat/beginning.svelte";
import { ChatStore } from "../chat/chat.svelte";
import { Composers, type Trays } from "../chat/composers";
import { Deletions } from "../chat/deletions.svelte";
import { Drafts } from "../chat/drafts";
import { Edits, isEdit } from "../chat/edits.svelte";
import { Failures, isInView } from "../chat/failures";
import { endOf } from "./ends";
import { excuse } from "../shell/excuse";
import type { Router } from "../shell/router.svelte";
import { SessionStore } from "../sessions/sessions.svelte";
import type { Toasts } from "../shell/toasts.svelte";
import { Weather } from "../shell/weather.svelte";
import { whoIsThis } from "./who";

/** For how long a deleted session's way back is shown (the hub keeps it for 30 days), and that to what failed. */
const UNDO = 30_000;
/** The hub has so long to answer to what was decided before one leaves. */
const LAST_WORDS = 2_000;

/** The page, as a visit sees it. */
interface Page {
  toasts: Toasts;
  router: Router;
  enter(account: Account): Promise<void>;
  leave(): void;
}

/** How many there are of each: `changes` that were made, `edits` that are being written, `files` that are only here. */
type Unsent = Record<"messages" | "changes" | "edits" | "drafts" | "files", number>;

export class Visit {
  readonly device: Device;
  readonly rest: Rest;
  readonly sessions: SessionStore;
  readonly weather: Weather;
  readonly drafts: Drafts;
  readonly composers: Composers;
  readonly deletions = new Deletions((message) => this.#delete(message));
  readonly edits: Edits;
  readonly beginning: Beginning;
  /** The hub's last word on who answers; null until it has said so. */
  tutor = $state.raw<NonNullable<Device["welcome"]>["tutor"] | null>(null);
  /** Why it will not connect again. */
  end = $state.raw<GaveUp | null>(null);
  /** The one that is shown. */
  conversation: ChatStore | null = null;
  readonly #failures: Failures;
  readonly #page: Page;

  constructor(
    readonly account: Account,
    readonly store: Store,
    page: Page,
    trays?: Trays,
  ) {
    this.#page = page;
    this.device = connect({ url: location.origin, token: account.tokens.next, who: whoIsThis(), store });
    this.rest = new Rest(location.origin, account.tokens.current);
    this.weather = new Weather(this.device);
    this.drafts = new Drafts(store, account.user);
    this.composers = new Composers(this, trays);
    this.sessions = new SessionStore(this.device, this);
    this.edits = new Edits(this.device, this.drafts, (session, text) => this.#lost(session, text));
    this.#failures = new Failures(this.device, {
      isSeen: (session, message) => this.#page.router.place.session === session && isInView(message),
      tell: (session, message) => this.#failed(session, message),
    });
    this.beginning = new Beginning({ visit: this, page });
  }

  /** Returns how to leave. */
  start(): () => void {
    const tell = (text: string) => this.#page.toasts.show(text, { lasts: UNDO });
    if (!this.store.isKept) tell(t().shell.cannotKeep);
    else this.store.onFull = () => tell(t().shell.keepsNoMore);
    const stops = [
      this.device.on((happening) => {
        if (happening.type === "ended") this.#finish(happening.error);
        else if (happening.type === "refused") {
          // All tabs hear of it: it is said where it is seen.
          if (!document.hidden) tell(t().shell.notChanged(explained(happening.problem)));
        } else this.tutor = this.device.welcome?.tutor ?? this.tutor;
      }),
      this.sessions.start(),
      this.weather.watch(),
      this.#failures.start(),
    ];
    return () => {
      for (const stop of stops) stop();
      this.composers.close();
      this.drafts.close();
      this.device.disconnect();
    };
  }

  /** Somebody has signed this device out, or there is nobody any more: nothing of theirs is to be seen here. */
  get isOver(): boolean {
    return this.end?.code === CloseCode.SIGNED_OUT || this.end?.code === CloseCode.ERASED;
  }

  /** The hub has refused what would be asked of it. */
  get isRefused(): boolean {
    return this.end !== null && ["sign_in", "erased"].includes(endOf(this.end.code));
  }

  /** Something would be lost with the page: a file, or, where storage is full or blocked, what is not sent. */
  get isAtRisk(): boolean {
    const { device, drafts } = this;
    const isSent = device.pendingSends().length + device.pendingChanges().length === 0 && drafts.areEmpty;
    return this.composers.unsentFiles > 0 || !(isSent || this.store.isKept);
  }

  /** What would be lost by signing out. Deletions that can still be undone are said before, if there is a line. */
  async unsent(): Promise<Unsent> {
    this.drafts.saveAll();
    const undecided = this.device.state === "in_step" ? 0 : this.deletions.held.size;
    const drafts = [...(await this.store.drafts()).keys()];
    const edits = drafts.filter(isEdit).length;
    return {
      messages: this.device.pendingSends().length,
      changes: this.device.pendingChanges().length + undecided,
      edits,
      drafts: drafts.length - edits,
      files: this.composers.unsentFiles,
    };
  }

  /** A token of an earlier visit may be of a hub that has since begun anew: that nobody needs to hear of. */
  #finish(end: GaveUp): void {
    const { kind, tokens } = this.account;
    if (this.store.isOver) this.#page.leave();
    else if (end.code === CloseCode.UNAUTHENTICATED && kind === "development" && tokens.drop())
      void this.#page.enter(this.account);
    else this.end = end;
    if (this.isOver) this.#page.toasts.clear();
  }

  chat(session: string): ChatStore {
    return new ChatStore(session, this);
  }

  /** To be called when it may be left: what is written is kept; what was decided is said and, on the line, done. */
  async finish(): Promise<void> {
    this.drafts.saveAll();
    const done = this.deletions.finishAll();
    const late = new Promise((resolve) => setTimeout(resolve, LAST_WORDS));
    if (this.device.state === "in_step") await Promise.race([done, late]);
  }

  /** Be in a conversation. Returns how to leave it. */
  enter(chat: ChatStore): () => void {
    const leave = chat.start();
    this.conversation = chat;
    return () => {
      this.conversation = null;
      leave();
    };
  }

  refused({ problem }: CommandRefused): void {
    this.#page.toasts.show(explained(problem));
  }

  async #delete(message: string): Promise<void> {
    try {
      await this.device.delete(message);
    } catch (error) {
      excuse(error);
      if (error instanceof CommandRefused) this.refused(error);
    }
  }

  #failed(session: string, message: string): void {
    const action = { label: t().chat.show, act: () => this.#page.router.go(session, message) };
    this.#page.toasts.show(t().chat.failedOutOfSight, { action, lasts: UNDO });
  }

  notRestored(): void {
    this.#page.toasts.show(t().shell.nothingToRestore);
  }

  #lost(session: string, text: string): void {
    const act = () => {
      this.composers.of(session).add(text); // after what may be written there
      this.#page.router.go(session, null);
    };
    this.#page.toasts.show(t().chat.editLost, { action: { label: t().chat.takeBack, act }, lasts: UNDO });
  }

  removed(session: Session, undo: () => void): void {
    if (this.#page.router.place.session === session.id) this.#page.router.go(null, null, { instead: true });
    const text = t().sessions.deleted(session.title || t().sessions.untitled);
    const action = { label: t().deeds.undo, act: undo };
    this.#page.toasts.show(text, { action, lasts: UNDO });
  }
}

const key = Symbol("visit");

export function provideVisit(visit: Visit): Visit {
  return setContext(key, visit);
}

export function useVisit(): Visit {
  return getContext<Visit>(key);
}
