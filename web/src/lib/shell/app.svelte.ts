/**
 * What the whole page shares: who is here, where they are, and what they chose. Made once by App.svelte and handed
 * down through Svelte's context, so that no module holds state of its own.
 */
import { getContext, setContext } from "svelte";
import { CommandRefused, openStore, Rest } from "../client";
import { speak, t } from "../i18n/index.svelte";
import { isLanguage, type Language, preferred } from "../i18n/messages";
import {
  type Account,
  bearer,
  developer,
  embedded,
  forget,
  remembered,
  rememberThat,
} from "../account/account";
import { excuse } from "./excuse";
import { recall, remember } from "./kept";
import { Panels } from "./panels.svelte";
import { Router } from "./router.svelte";
import { isTheme, showTheme, type Theme } from "./theme";
import { Toasts } from "./toasts.svelte";
import { Visit } from "../account/visit.svelte";

/** For how long it is said that a part of the page is missing. */
const MISSING = 30_000;

export class App {
  readonly router = new Router();
  readonly toasts = new Toasts();
  readonly panels = new Panels();
  /** Null until somebody is signed in. */
  visit = $state.raw<Visit | null>(null);
  /** It is not known yet whether somebody is signed in. */
  isStarting = $state(true);
  theme = $state<Theme>("system");
  /** Whether a single letter is a shortcut. */
  hasSingleKeys = $state(recall("singleKeys") !== "off");
  #leave: () => void = () => undefined;
  /** The toast that says that a part of the page did not come. */
  #missing = 0;

  constructor() {
    const theme = recall("theme");
    this.useTheme(isTheme(theme) ? theme : "system");
    const language = recall("language") ?? "";
    void this.#speak(isLanguage(language) ? language : preferred(navigator.languages));
  }

  /** Let in whoever the address, the embedding page or an earlier visit says. */
  async start(): Promise<void> {
    const account = this.#named() ?? (await embedded().catch(() => null)) ?? remembered(this.#devSignIn);
    if (account !== null) await this.enter(account);
    this.isStarting = false;
  }

  /** A link to be somebody may be opened where the page is open already. */
  async heedAddress(): Promise<void> {
    const account = this.#named();
    if (account !== null) await this.enter(account);
  }

  /** By the hub's development sign-in. Rejected with CommandRefused or ConnectionLost. */
  async signIn(user: string): Promise<void> {
    forget(user);
    const account = developer(user, this.#devSignIn);
    await account.tokens.current();
    await this.enter(account);
  }

  /** False: it is no token, or none that the hub takes. Rejected as `signIn` is. */
  async signInWith(token: string): Promise<boolean> {
    const account = bearer(token);
    if (account === null || !(await isTaken(account))) return false;
    await this.enter(account);
    return true;
  }

  async enter(account: Account): Promise<void> {
    const former = this.visit;
    await former?.finish();
    const store = await openStore(account.user);
    const isAgain = former?.account.user === account.user;
    const trays = isAgain ? former.composers.release() : undefined;
    this.#leave();
    if (former !== null && !isAgain) this.router.go(null, null, { instead: true });
    this.visit = new Visit(account, store, this, trays);
    this.#leave = this.visit.start();
    rememberThat(account);
  }

  /**
   * Leave, and leave nothing behind, whatever the network does: what was decided is said first, if there is a line, for
   * two seconds at most. Without one the token stays good until it expires.
   */
  async signOut(): Promise<void> {
    const { visit } = this;
    if (visit === null) return;
    const token = visit.isRefused ? null : visit.account.tokens.held;
    visit.composers.close();
    const disconnect = this.#leave;
    this.#leave = () => undefined;
    this.leave();
    await visit.finish();
    disconnect();
    const forgotten = visit.store.clear();
    if (token !== null) void new Rest(location.origin, () => Promise.resolve(token)).signOut().catch(excuse);
    await forgotten;
  }

  /** Be where nobody is signed in, and show nothing of who was. */
  leave(): void {
    if (this.visit !== null) forget(this.visit.account.user);
    this.visit = null;
    this.panels.close();
    this.toasts.clear();
    this.router.go(null, null, { instead: true });
    this.#leave();
  }

  useTheme(theme: Theme): void {
    this.theme = theme;
    showTheme(theme);
    remember("theme", theme === "system" ? null : theme);
  }

  async useLanguage(language: Language): Promise<void> {
    remember("language", language);
    await this.#speak(language);
  }

  useSingleKeys(on: boolean): void {
    this.hasSingleKeys = on;
    remember("singleKeys", on ? null : "off");
  }

  /**
   * A part of the page did not come: there is no connection, or another version has taken its place. What is asked for
   * once more is fetched once more.
   */
  miss(): void {
    const text = navigator.onLine ? t().shell.partMissing : t().shell.partMissingOffline;
    const action = navigator.onLine ? { label: t().shell.reload, act: () => location.reload() } : null;
    if (this.toasts.shown.some((toast) => toast.text === text)) return;
    this.toasts.dismiss(this.#missing);
    this.#missing = this.toasts.show(text, { action, lasts: MISSING });
  }

  async #speak(language: Language): Promise<void> {
    await speak(language).catch(() => undefined); // `miss` tells
  }

  /** `#as=ada` is a development user's link, as `make start` prints it. It is not to stay in the address. */
  #named(): Account | null {
    const user = new URLSearchParams(location.hash.slice(1)).get("as");
    if (user === null || user === "") return null;
    history.replaceState(null, "", location.pathname);
    return developer(user, this.#devSignIn);
  }

  readonly #devSignIn = async (user: string): Promise<string> => {
    const noToken = () => Promise.resolve("");
    return (await new Rest(location.origin, noToken).devSignIn(user)).token;
  };
}

/** A token's time is the hub's to judge: this machine's clock may be wrong. */
async function isTaken({ tokens }: Account): Promise<boolean> {
  try {
    await new Rest(location.origin, tokens.current).devices();
    return true;
  } catch (error) {
    if (error instanceof CommandRefused && error.problem.code === "unauthenticated") return false;
    throw error;
  }
}

const key = Symbol("app");

export function provideApp(app: App): App {
  return setContext(key, app);
}

export function useApp(): App {
  return getContext<App>(key);
}
