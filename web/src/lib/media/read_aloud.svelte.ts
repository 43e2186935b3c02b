/** Reads messages aloud with the browser's own voices, one at a time, in the language of the session. */
import { spoken } from "./spoken";

export class ReadAloud {
  /** Which message is being read. */
  reading = $state<string | null>(null);
  /** Null: this browser has no voice, and nothing should offer it. */
  readonly #voice = typeof speechSynthesis === "undefined" ? null : speechSynthesis;

  get isOffered(): boolean {
    return this.#voice !== null;
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
