/**
 * What a screen reader is told of a conversation: that the tutor is answering, once, and then the answer, once. The
 * text as it streams is not told, because nobody can listen to that.
 */
import { spoken } from "../media/spoken";
import type { Message } from "../client";

type Announcement =
  | { kind: "answering" }
  | { kind: "answer"; text: string }
  | { kind: "stopped"; text: string }
  | { kind: "failed" };

export class Announcer {
  said = $state.raw<Announcement | null>(null);
  #open = new Set<string>();

  /** To be called with the replies that are open now, and how to find one that was. */
  hear(open: readonly string[], find: (id: string) => Message | undefined): void {
    const settled = [...this.#open].filter((id) => !open.includes(id)).map(find);
    const isNew = open.some((id) => !this.#open.has(id));
    this.#open = new Set(open);
    const last = settled.filter((reply) => reply !== undefined && !reply.deletedAt).at(-1);
    if (last !== undefined) this.said = endOf(last);
    else if (isNew) this.said = { kind: "answering" };
  }
}

function endOf(reply: Message): Announcement {
  if (reply.status === "failed") return { kind: "failed" };
  return { kind: reply.status === "stopped" ? "stopped" : "answer", text: spoken(reply.content).join(" ") };
}
