/**
 * Keeps a device connected: tokens, waiting, and when to give up. Reads only what is about the connection itself. The
 * twin of client/link.py.
 *
 * After a loss it comes back with full jitter, so that devices do not all come at once; a hub that leaves says when to
 * come; the close code says whether to come back at all. What the browser says of the network is a hint, never the
 * truth: a wait is cut short, a connection is looked after.
 */

import { between, pageTime } from "./clock";
import { ABNORMAL, CloseCode, comesBack, GOING_AWAY } from "./closing";
import { Connection, socketUrl, type Closed } from "./connection";
import { CommandRefused, ConnectionLost, GaveUp, problemOf } from "./errors";
import type { Command, Event, Problem } from "./wire";

const LONGEST_WAIT = 30;
const FIRST_WAIT = 0.5;
/** The part of a token's last time that may pass: not all devices ask at once, and short-lived tokens do not spin. */
const RENEWED_AFTER = [0.2, 0.6] as const;
/** So many times as long as it was told, so that not all devices come back at once. */
const LATER = [1, 1.5] as const;
/** Seconds after which a connection counts as a good one. */
const STABLE_AFTER = 10;
/** Seconds that the hub has to answer when the page has slept, and when the browser says that there is no network. */
const AWAKE_WITHIN = 5;
const OFFLINE_WITHIN = 2;

/** How long to wait before the next attempt: random(0, min(30 s, 0.5 s · 2ⁿ)). No clock. */
export class Backoff {
  #attempts = 0;

  wait(): number {
    const longest = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(this.#attempts, 10));
    this.#attempts += 1;
    return between(0, longest);
  }

  reset(): void {
    this.#attempts = 0;
  }
}

type TokenSource = () => Promise<string>;

/** The token that is held, and where the next comes from. */
class Tokens {
  #held: string | null = null;
  /** It was asked for since the last loss: another would not do better. */
  isNew = false;

  constructor(private readonly source: TokenSource) {}

  /** The held one, or a fresh one if none is held. */
  async token(): Promise<string> {
    return this.#held ?? (await this.fresh());
  }

  async fresh(): Promise<string> {
    this.hold(await this.source());
    this.isNew = true;
    return this.token();
  }

  hold(token: string): void {
    this.#held = token;
  }

  /** The held token is of no more use: the next one is a fresh one. */
  spend(): void {
    this.#held = null;
  }
}

/** The device, as its link sees it. */
interface Owner {
  hello(token: string): Command;
  renewal(token: string): Command;
  connecting(): void;
  hear(event: Event): boolean;
  away(closed: Closed, backIn: number): void;
}

/** `run` connects, and connects again, until it gives up or is told to leave. */
export class Link {
  /** While waiting: when the next attempt is, by `performance.now()`, in milliseconds. */
  backAt: number | null = null;
  readonly #url: string;
  readonly #tokens: Tokens;
  readonly #backoff = new Backoff();
  #connection: Connection | null = null;
  #problem: Problem | undefined;
  /** When the hub has said to come back, by `pageTime`. */
  #comeAt: number | null = null;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #wake: (() => void) | null = null;
  #hasLeft = false;

  /** Throws TypeError if the URL is none. */
  constructor(
    url: string,
    source: TokenSource,
    private readonly owner: Owner,
  ) {
    this.#url = socketUrl(url);
    this.#tokens = new Tokens(source);
  }

  /** Until it gives up, and why; or, once it was told to leave, null. */
  async run(): Promise<GaveUp | null> {
    const unheard = this.#hearHints();
    try {
      while (!this.#hasLeft) {
        this.owner.connecting();
        const closed = await this.#connectOnce();
        if (!this.#hasLeft) await this.#pause(closed);
      }
      return null;
    } catch (error) {
      if (error instanceof GaveUp) return error;
      throw error;
    } finally {
      unheard();
    }
  }

  /** Only while there is a connection; what is said without one is lost. */
  say(command: Command): void {
    this.#connection?.say(command);
  }

  /** A fresh token, for this connection and the next ones. */
  refresh(token: string): void {
    this.#tokens.hold(token);
    this.say(this.owner.renewal(token));
  }

  retryNow(): void {
    this.#wake?.();
  }

  leave(): void {
    this.#hasLeft = true;
    this.#connection?.end({ code: GOING_AWAY, reason: "" });
    this.#wake?.();
  }

  /** One attempt and, if it succeeds, one connection. Rejected with GaveUp. */
  async #connectOnce(): Promise<Closed> {
    let token: string;
    try {
      token = await this.#tokens.token();
    } catch (error) {
      return withoutToken(error);
    }
    this.#problem = undefined;
    this.#comeAt = null;
    const since = pageTime();
    const closed = this.#hasLeft ? { code: GOING_AWAY, reason: "" } : await this.#talk(token);
    if (pageTime() - since >= STABLE_AFTER) this.#backoff.reset();
    return closed;
  }

  #talk(token: string): Promise<Closed> {
    return new Promise((resolve) => {
      const connection = new Connection(this.#url, {
        opened: () => connection.say(this.owner.hello(token)),
        heard: (event) => this.#hear(event),
        closed: (closed) => {
          this.#connection = null;
          clearTimeout(this.#renewal);
          resolve(closed);
        },
      });
      this.#connection = connection;
    });
  }

  #hear(event: Event): boolean {
    if (event.type === "draining") this.#comeAt = pageTime() + event.reconnectInMs / 1000;
    if (event.type === "refused") this.#problem = problemOf(event);
    if (event.type === "token.expiring") this.#renewIn((event.inMs / 1000) * between(...RENEWED_AFTER));
    return this.owner.hear(event);
  }

  async #pause(closed: Closed): Promise<void> {
    const seconds = this.#waitAfter(closed);
    this.backAt = performance.now() + seconds * 1000;
    this.owner.away(closed, seconds);
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = this.backAt = null;
  }

  /** Seconds until the next attempt. Throws GaveUp. We did say hello: if it came too late, the next may not. */
  #waitAfter(closed: Closed): number {
    const wasHeldForLong = closed.code === CloseCode.UNAUTHENTICATED && !this.#tokens.isNew;
    if (closed.code === CloseCode.TOKEN_EXPIRED || wasHeldForLong) this.#tokens.spend();
    else if (closed.code !== CloseCode.NO_HELLO && !comesBack(closed.code))
      throw new GaveUp(closed.code, closed.reason, this.#problem);
    this.#tokens.isNew = false;
    const asked = this.#comeAt === null ? null : Math.max(0, this.#comeAt - pageTime());
    this.#comeAt = null;
    return asked ?? Math.max(this.#backoff.wait(), this.#forbiddenFor(closed.code));
  }

  /** Who has asked too much comes back no earlier than it was told to. */
  #forbiddenFor(code: number): number {
    if (code !== CloseCode.RATE_LIMITED) return 0;
    return ((this.#problem?.retryAfterMs ?? 0) / 1000) * between(...LATER);
  }

  /** Some time before the token expires. If that fails, the hub closes, and the next hello has another. */
  #renewIn(seconds: number): void {
    clearTimeout(this.#renewal);
    this.#renewal = setTimeout(() => {
      this.#tokens.fresh().then(
        (token) => this.say(this.owner.renewal(token)),
        () => undefined,
      );
    }, seconds * 1000);
  }

  /** The browser's word on the network, and on whether somebody looks. Returns how to stop listening. */
  #hearHints(): () => void {
    if (typeof window === "undefined") return () => undefined;
    const heard = new AbortController();
    const { signal } = heard;
    const look = () => {
      this.retryNow();
      this.#connection?.check(AWAKE_WITHIN);
    };
    window.addEventListener("online", look, { signal });
    window.addEventListener("pageshow", look, { signal });
    window.addEventListener("offline", () => this.#connection?.check(OFFLINE_WITHIN), { signal });
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look(), {
      signal,
    });
    return () => heard.abort();
  }
}

/** A token source that the network fails is tried again, as is one that is refused for now. Else there is none. */
function withoutToken(error: unknown): Closed {
  const reason = error instanceof Error ? error.message : String(error);
  const problem = error instanceof CommandRefused ? error.problem : undefined;
  if (error instanceof TypeError || error instanceof ConnectionLost || problem?.retryable) {
    return { code: ABNORMAL, reason };
  }
  throw new GaveUp(CloseCode.UNAUTHENTICATED, `there is no token: ${reason}`, problem);
}
