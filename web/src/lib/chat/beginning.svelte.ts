/**
 * Where a session begins: what is asked first, and how it is to be answered. There is no session before the first
 * message; until then, what is written is a draft as any other.
 */
import type { Device, Metadata, Mode } from "../client";
import { language as spoken } from "../i18n/index.svelte";
import type { Composer, Writing } from "./composer.svelte";
import type { Composers } from "./composers";
import { excuse } from "../shell/excuse";
import type { SessionStore } from "../sessions/sessions.svelte";

/** What it has of the visit that it is part of, and of the page. */
interface Around {
  visit: { device: Device; composers: Composers; sessions: SessionStore };
  page: { router: { go(session: string): void } };
}

export class Beginning implements Writing {
  readonly composer: Composer;
  readonly isTyping = false;
  mode = $state<Mode>("fun");
  #language = $state<string | null>(null);
  readonly #around: Around;

  constructor(around: Around) {
    this.#around = around;
    this.composer = around.visit.composers.of(null);
  }

  /** The page's own, unless another is chosen. */
  get language(): string {
    return this.#language ?? spoken();
  }

  useMode(mode: Mode): void {
    this.mode = mode;
  }

  useLanguage(language: string): void {
    this.#language = language;
  }

  send(wordless: string): boolean {
    if (!this.composer.isReady() || this.#around.visit.device.state === "ended") return false;
    const { content, metadata } = this.composer.take(wordless);
    this.ask(content, metadata);
    return true;
  }

  /** Be in a new session that begins with this. */
  ask(content: string, metadata?: Metadata): void {
    const { visit, page } = this.#around;
    const session = visit.sessions.create({ mode: this.mode, language: this.language });
    visit.device.send(session, content, { metadata }).catch(excuse);
    page.router.go(session);
  }
}
