/** Reads messages aloud with the browser's own voices, one at a time, in the language of the session. */
import { createSubscriber } from "svelte/reactivity";
import { spoken } from "./spoken";

export class ReadAloud {
  /** Which message is being read. */
  reading = $state<string | null>(null);
  /** Null: this browser can't speak. */
  readonly #voice = typeof speechSynthesis === "undefined" ? null : speechSynthesis;

  /** Voices come a while after the page, and on some machines there is none: it would be silent, and say nothing of it. */
  readonly #hearOfVoices = createSubscriber((update) => {
    this.#voice?.addEventListener("voiceschanged", update);
    return () => this.#voice?.removeEventListener("voiceschanged", update);
  });

  get isOffered(): boolean {
    this.#hearOfVoices();
    return this.#voice !== null && this.#voice.getVoices().length > 0;
  }

  /** Sentence by sentence, for a long text is cut off in the middle by some browsers. */
  read(message: string, markdown: string, language: string): void {
    this.stop();
    const sentences = spoken(markdown);
    if (this.#voice === null || sentences.length === 0) return;
    this.reading = message;
    for (const sentence of sentences) this.#voice.speak(this.#said(sentence, language, message));
    const last = this.#said("", language, message);
    last.onend = last.onerror = () => this.#isOver(message);
    this.#voice.speak(last);
  }

  stop(): void {
    this.reading = null;
    this.#voice?.cancel();
  }

  #said(sentence: string, language: string, message: string): SpeechSynthesisUtterance {
    const said = new SpeechSynthesisUtterance(sentence);
    said.lang = language;
    said.onerror = () => this.#isOver(message);
    return said;
  }

  #isOver(message: string): void {
    if (this.reading === message) this.stop();
  }
}
