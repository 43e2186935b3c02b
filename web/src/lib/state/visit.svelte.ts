/** All that goes with an account while it is signed in: its device, what is kept here, and what is shown of them. */
import { getContext, setContext } from "svelte";
import {
  connect,
  type CommandRefused,
  type Device,
  type GaveUp,
  Rest,
  type Session,
  type Store,
} from "../client";
import { explained } from "../i18n/explained";
import { t } from "../i18n/index.svelte";
import type { Account } from "./account";
import { ChatStore } from "./chat.svelte";
import { Drafts } from "./drafts";
import { excuse } from "./excuse";
import { codePoints, contentLimit } from "./length";
import type { Router } from "./router.svelte";
import { SessionStore } from "./sessions.svelte";
import type { Toasts } from "./toasts.svelte";
import { Weather } from "./weather.svelte";
import { whoIsThis } from "./who";

/** For how long a deleted session's way back is shown. The hub keeps it for 30 days. */
const UNDO = 30_000;
const UNAUTHENTICATED = 4501;

export class Visit {
  readonly device: Device;
  readonly rest: Rest;
  readonly sessions: SessionStore;
  readonly weather: Weather;
  readonly drafts: Drafts;
  /** The hub's last word on who answers; null until it has said so. */
  tutor = $state.raw<NonNullable<Device["welcome"]>["tutor"] | null>(null);
  /** Why it will not connect again. */
  end = $state.raw<GaveUp | null>(null);
  /** The one that is shown. */
  conversation: ChatStore | null = null;
  readonly #toasts: Toasts;
  readonly #router: Router;
  readonly #enterAnew: () => Promise<void>;

  constructor(
    readonly account: Account,
    readonly store: Store,
    page: { toasts: Toasts; router: Router; enter(account: Account): Promise<void> },
  ) {
    this.#enterAnew = () => page.enter(account);
    this.#toasts = page.toasts;
    this.#router = page.router;
    this.device = connect({ url: location.origin, token: account.tokens.next, who: whoIsThis(), store });
    this.rest = new Rest(location.origin, account.tokens.current);
    this.weather = new Weather(this.device);
    this.drafts = new Drafts(store, account.user);
    this.sessions = new SessionStore(this.device, this);
  }

  /** Returns how to leave. */
  start(): () => void {
    if (!this.store.isKept) this.#toasts.show(t().shell.cannotKeep, { lasts: UNDO });
    const stops = [
      this.device.on((happening) => {
        if (happening.type === "ended") this.#finish(happening.error);
        else this.tutor = this.device.welcome?.tutor ?? this.tutor;
      }),
      this.sessions.start(),
      this.weather.watch(),
    ];
    return () => {
      for (const stop of stops) stop();
      this.drafts.close();
      this.device.disconnect();
    };
  }

  /** A token of an earlier visit may be of a hub that has since begun anew: that nobody needs to hear of. */
  #finish(end: GaveUp): void {
    const { kind, tokens } = this.account;
    if (end.code === UNAUTHENTICATED && kind === "development" && tokens.drop()) void this.#enterAnew();
    else this.end = end;
  }

  chat(session: string): ChatStore {
    return new ChatStore(this.device, session, this.drafts);
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

  /** Be in a new session: the one that was begun before, if nothing has been said in it yet. */
  begin(language: string): void {
    const isBlank = ({ id, title, messageCount }: Session) =>
      title === "" && messageCount === 0 && this.device.pendingSends(id).length === 0;
    this.#router.go(this.sessions.sessions.find(isBlank)?.id ?? this.sessions.create({ language }));
  }

  /** Begin a session with what is asked; what is too long waits in its composer, to be cut. */
  ask(text: string, language: string): void {
    const id = this.sessions.create({ language });
    if (codePoints(text) > contentLimit(this.device)) this.drafts.write(id, text);
    else this.device.send(id, text).catch(excuse);
    this.#router.go(id);
  }

  refused({ problem }: CommandRefused): void {
    this.#toasts.show(explained(problem));
  }

  removed(session: Session, undo: () => void): void {
    if (this.#router.place.session === session.id) this.#router.go(null, null, { instead: true });
    const text = t().sessions.deleted(session.title || t().sessions.untitled);
    const action = { label: t().shell.undo, act: undo };
    this.#toasts.show(text, { action, lasts: UNDO });
  }
}

const key = Symbol("visit");

export function provideVisit(visit: Visit): Visit {
  return setContext(key, visit);
}

export function useVisit(): Visit {
  return getContext<Visit>(key);
}
