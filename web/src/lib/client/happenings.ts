/** What a device tells those who listen: what it heard, and how the connection does. */

import type { GaveUp } from "./errors";
import type { Change } from "./commands";
import type { Event, Problem } from "./wire";

export type Happening =
  /** After it was applied to the timeline. */
  | { type: "event"; event: Event }
  /** An answer of the hub's was put into the timeline: a page, of a session's messages or (null) of the list. */
  | { type: "page"; session: string | null }
  /** What was kept of a session's messages on this machine is shown, until its page comes. */
  | { type: "kept"; session: string }
  | { type: "connecting" }
  | { type: "catching_up" }
  /** Connected, and what is shown is what the hub has. */
  | { type: "in_step" }
  /** The connection is lost; the next attempt is in so many seconds. */
  | { type: "away"; backIn: number; code: number; reason: string }
  /** A send or a change was queued, sent, acknowledged, refused or forgotten, in this tab or in another. */
  | { type: "outbox" }
  /** A change was refused that nobody here waits for: it was made in another tab, or before the page was loaded. */
  | { type: "refused"; change: Change; problem: Problem }
  /** This tab has begun, or ceased, to speak for all tabs. */
  | { type: "sender" }
  /** It will not come back. */
  | { type: "ended"; error: GaveUp };

export type ConnectionState = "connecting" | "catching_up" | "in_step" | "away" | "ended";
export type Listener = (happening: Happening) => void;

/** All who listen. What one of them throws is its own fault: the others hear, and the page is told. */
export class Listeners {
  readonly #listeners = new Set<Listener>();

  /** Returns how to stop listening. */
  add(listener: Listener): () => void {
    const own: Listener = (happening) => listener(happening);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  tell(happening: Happening): void {
    for (const listener of this.#listeners) {
      try {
        listener(happening);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
