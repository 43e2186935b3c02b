/** The marks of a session in the list: the tutor answers in it, or an answer is there that nobody has read. */
import { type Event, type Session, TYPING_BELIEVED } from "../client";

/**
 * Whether something in a session came after it was last read. Marking it read is itself a change, which takes the next
 * number: a session that is read through stands one above.
 */
export function isUnread(session: Session): boolean {
  return session.messageCount > 0 && session.seq > session.readSeq + 1;
}

/** In which sessions replies are to come, as far as this device was told, whether or not it has opened them. */
export class Answering {
  readonly #pending = new Map<string, string>();
  /** Of replies that began before this device came, it hears only that the tutor is typing. */
  readonly #typing = new Map<string, number>();

  /** Returns whether a mark may have changed. `now` in milliseconds, by any clock. */
  hear(event: Event, now: number): boolean {
    if (event.type === "typing.changed") return event.who === "tutor" && this.#hearTyping(event, now);
    if (event.type === "snapshot") this.#pending.clear();
    if (!("messages" in event)) return event.type === "snapshot";
    for (const row of event.messages ?? []) {
      const isPending = row.status === "pending" && row.deletedAt === undefined;
      if (isPending) this.#pending.set(row.id, row.sessionId);
      else this.#pending.delete(row.id);
      if (row.status !== undefined && !isPending) this.#typing.delete(row.sessionId);
    }
    return true;
  }

  sessions(now: number): Set<string> {
    for (const [session, at] of this.#typing) {
      if (now - at > TYPING_BELIEVED * 1_000) this.#typing.delete(session);
    }
    return new Set([...this.#pending.values(), ...this.#typing.keys()]);
  }

  #hearTyping(event: Extract<Event, { type: "typing.changed" }>, now: number): boolean {
    const was = this.#typing.has(event.session);
    if (event.active) this.#typing.set(event.session, now);
    else this.#typing.delete(event.session);
    return was !== event.active;
  }
}

export function areSame(some: ReadonlySet<string>, others: ReadonlySet<string>): boolean {
  return some.size === others.size && [...some].every((each) => others.has(each));
}
