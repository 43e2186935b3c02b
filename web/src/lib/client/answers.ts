/** Those who wait for the answer to what was said, by its name in the journal, or by its ref if it has none. */

import { CommandRefused, type ConnectionLost, type GaveUp } from "./errors";
import type { Change } from "./commands";
import type { Answer, Problem } from "./wire";

export type Key = string | number;
/** What came of a command, in a form that can be told to another tab. `change`: what is not done, if it was one. */
export type Settled = { answer: Answer } | { problem: Problem; change?: Change };

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

  /** False: nobody here waits for it. */
  give(key: Key, outcome: Settled): boolean {
    const waiting = this.#taken(key);
    for (const each of waiting) {
      if ("answer" in outcome) each.resolve(outcome.answer);
      else each.reject(new CommandRefused(outcome.problem));
    }
    return waiting.length > 0;
  }

  fail(key: Key, failure: ConnectionLost | GaveUp): void {
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
