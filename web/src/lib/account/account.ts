/**
 * Who is signed in, and where their tokens come from: the hub's development sign-in, a token that somebody pasted, or
 * the page that embeds this one (`window.tutorhub = { token: async () => "…" }`, set before this page's script runs).
 *
 * What is kept: a development token on this machine until it expires, since another is to be had for the asking; a
 * pasted one only as long as the tab. Scripts of others cannot run in the page (its Content-Security-Policy), so that
 * storage is no worse a place than memory.
 */
import { recall, remember } from "../shell/kept";

declare global {
  interface Window {
    tutorhub?: { token: () => Promise<string> };
  }
}

interface Claims {
  sub: string;
  /** Milliseconds; Infinity: without end. */
  expiresAt: number;
}

/**
 * Asked for anew this long before the end, as the hub's clock may be ahead; and no sooner than this after it came,
 * whatever this machine's clock makes of it.
 */
const MARGIN = 60_000;

/** What a JWT says of itself. Nothing is trusted for it: the hub decides. Null: it is none. */
export function claimsOf(token: string): Claims | null {
  try {
    const payload = (token.split(".")[1] ?? "").replace(/-/g, "+").replace(/_/g, "/");
    const bytes = Uint8Array.from(atob(payload), (each) => each.charCodeAt(0));
    const { sub, exp } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    if (typeof sub !== "string" || sub === "") return null;
    return { sub, expiresAt: typeof exp === "number" ? exp * 1_000 : Infinity };
  } catch {
    return null;
  }
}

/** By this machine's clock, which may be wrong: a reason to ask for another, and none to refuse this one. */
export function isFresh(token: string, now = Date.now()): boolean {
  return (claimsOf(token)?.expiresAt ?? 0) - MARGIN > now;
}

/** The tokens of one account: the held one while it is good, then the next of `source`. */
export class Tokens {
  #held: string | null;
  #isOfBefore: boolean;
  /** When the held one came, by `performance.now()`. */
  #cameAt = -Infinity;
  #spent: string | null = null;
  readonly #source: () => Promise<string>;
  readonly #keep: (token: string) => void;

  constructor(
    held: string | null,
    source: () => Promise<string>,
    keep: (token: string) => void = () => undefined,
  ) {
    this.#held = held;
    this.#isOfBefore = held !== null;
    this.#source = source;
    this.#keep = keep;
  }

  /** The last one, be it good or not. */
  get held(): string | null {
    return this.#held;
  }

  /** For a request: any that is good. */
  readonly current = async (): Promise<string> => {
    const hasJustCome = performance.now() - this.#cameAt < MARGIN;
    if (this.#held !== null && (hasJustCome || isFresh(this.#held))) return this.#held;
    this.#held = await this.#source();
    this.#cameAt = performance.now();
    this.#isOfBefore = false;
    this.#keep(this.#held);
    return this.#held;
  };

  /** The hub will not have the held one. True: it was kept from before, and another may do better; it says so once. */
  drop(): boolean {
    const wasOfBefore = this.#isOfBefore;
    this.#held = null;
    this.#isOfBefore = false;
    return wasOfBefore;
  }

  /** For a connection, which asks again only when the one it was given is of no more use. */
  readonly next = async (): Promise<string> => {
    if (this.#held === this.#spent) this.#held = null;
    this.#spent = await this.current();
    return this.#spent;
  };
}

type Kind = "development" | "token" | "embedded";

export interface Account {
  /** The hub's name for them: the `sub` of their tokens. */
  user: string;
  kind: Kind;
  tokens: Tokens;
}

/** Whoever this is, by the hub's development sign-in. */
export function developer(user: string, signIn: (user: string) => Promise<string>): Account {
  const held = recall(`token.${user}`);
  const keep = (token: string) => remember(`token.${user}`, token);
  return { user, kind: "development", tokens: new Tokens(held, () => signIn(user), keep) };
}

/** Whoever a token is of; there is no other when it has expired. Null: it is no token. */
export function bearer(token: string): Account | null {
  const claims = claimsOf(token);
  return (
    claims && { user: claims.sub, kind: "token", tokens: new Tokens(token, () => Promise.resolve(token)) }
  );
}

/** Whoever the embedding page says. Null: it says nobody. */
export async function embedded(): Promise<Account | null> {
  const source = window.tutorhub?.token;
  if (source === undefined) return null;
  const token = await source();
  const claims = claimsOf(token);
  return claims && { user: claims.sub, kind: "embedded", tokens: new Tokens(token, source) };
}

type SignIn = (user: string) => Promise<string>;

/** Who was here before. Whether a token is still good, the hub says. */
export function remembered(signIn: SignIn): Account | null {
  const pasted = bearer(recall("token", "tab") ?? "");
  if (pasted !== null) return pasted;
  const user = recall("user");
  return user === null ? null : developer(user, signIn);
}

/** Who is here now, for the next time. What an embedding page says, it will say again. */
export function rememberThat({ user, kind, tokens }: Account): void {
  if (kind === "development") remember("user", user);
  if (kind === "token") void tokens.current().then((token) => remember("token", token, "tab"));
}

export function forget(user: string): void {
  for (const name of ["user", `token.${user}`]) remember(name, null);
  remember("token", null, "tab");
}
