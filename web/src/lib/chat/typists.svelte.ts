/**
 * Which of the user's other devices type in a session, by name; each is believed for a while. The tutor is not
 * among them: its reply says for itself that it is being written.
 */
import { type Event, TYPING_BELIEVED } from "../client";

const TUTOR = "tutor";

type TypingChanged = Extract<Event, { type: "typing.changed" }>;

export class Typists {
  names = $state.raw<string[]>([]);
  readonly #until = new Map<string, { name: string; timer: ReturnType<typeof setTimeout> }>();

  /** `own`: the id of this device, which is told of itself too. */
  hear(event: TypingChanged, own: string | null): void {
    if (event.who === TUTOR || event.who === own) return;
    this.#forget(event.who);
    if (event.active) {
      const timer = setTimeout(() => this.#forget(event.who), TYPING_BELIEVED * 1_000);
      this.#until.set(event.who, { name: event.name, timer });
    }
    this.#show();
  }

  clear(): void {
    for (const who of [...this.#until.keys()]) this.#forget(who);
  }

  #forget(who: string): void {
    clearTimeout(this.#until.get(who)?.timer);
    if (this.#until.delete(who)) this.#show();
  }

  #show(): void {
    this.names = [...this.#until.values()].map((typist) => typist.name);
  }
}
