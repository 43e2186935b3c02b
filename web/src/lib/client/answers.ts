/** Those who wait for the answer to what was said, by its name in the journal, or by its ref if it has none. */

import { CommandRefused, type ConnectionLost, type GaveUp } from "./errors";
import type { Answer, Problem } from "./wire";

export type Key = string | number;
/** What came of a command, in a form that can be told to another tab. */
export type Outcome = { answer: Answer } | { problem: Problem };

interface Waiting {
  resolve(answer: Answer): void;
  reject(failure: Error): void;
}

export class Answers {
  readonly #waiting = new Map<Key, Waiting[]>();

  to(key: Key): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.set(key, [...(this.#waiting.get(key) ?? []), { resolve, reject }]);
    });
  }

  give(key: Key, outcome: Outcome): void {
    if ("problem" in outcome) return this.fail(key, new CommandRefused(outcome.problem));
    for (const each of this.#taken(key)) each.resolve(outcome.answer);
  }

  fail(key: Key, failure: CommandRefused | ConnectionLost | GaveUp): void {
    for (const each of this.#taken(key)) each.reject(failure);
  }

  /** There will be no answer any more. */
  failAll(failure: ConnectionLost | GaveUp): void {
    for (const key of [...this.#waiting.keys()]) this.fail(key, failure);
  }

  #taken(key: Key): Waiting[] {
    const waiting = this.#waiting.get(key) ?? [];
    this.#waiting.delete(key);
    return waiting;
  }
}
