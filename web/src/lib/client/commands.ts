/**
 * What a device says, by what becomes of it when the answer is late: what may be said twice, what is said later when it
 * can't be done now, and what outlives the page.
 */

import { freshId } from "./ids";
import type { Command, Problem, Reason } from "./wire";

type Unsaid<C> = C extends Command ? Omit<C, "ref"> : never;
type Named<T extends Command["type"]> = Extract<Command, { type: T }>;

const LASTING = [
  "session.create",
  "session.update",
  "session.delete",
  "session.restore",
  "message.send",
  "message.edit",
  "message.delete",
] as const;
/** What changes something for good, and may be said twice. A `session.create` needs the device's id for that. */
export type Lasting = Unsaid<Named<(typeof LASTING)[number]>>;
/** What may be said twice, and is of no use once the page is gone. */
type Passing = Unsaid<Named<"session.list" | "session.open" | "session.close" | "reply.stop" | "read.mark">>;
export type Repeatable = Lasting | Passing;
export type Said = Repeatable & { ref: number };
export type Create = Unsaid<Named<"session.create">>;
export type Send = Unsaid<Named<"message.send">>;
/** What changes what is there, or begins a session. */
export type Change = Exclude<Lasting, Send>;

/** The reasons that are about the hub and not about the command. */
export const NOT_NOW: ReadonlySet<Reason> = new Set([
  "unavailable",
  "storage_full",
  "internal",
  "draining",
  "too_many_pending",
  "overloaded",
  "rate_limited",
]);

export function isLasting(command: Repeatable): command is Lasting {
  return (LASTING as readonly string[]).includes(command.type);
}

export function isSend(command: Repeatable): command is Send {
  return command.type === "message.send";
}

export function isChange(command: Repeatable): command is Change {
  return isLasting(command) && !isSend(command);
}

/** It adds under an id of ours, so it does no harm twice. Saying a rename again could undo another's. */
export function adds(command: Repeatable): command is Send | Create {
  return command.type === "message.send" || command.type === "session.create";
}

/** It is asked for until the hub can do it: what adds, and the page without which nothing of a session is shown. */
export function canWait(command: Repeatable): boolean {
  return adds(command) || command.type === "session.open";
}

/**
 * Where one waits, what follows in its line waits, too: what adds to a session, deletes or restores it; what opens and
 * closes it.
 */
export function lineOf(command: Repeatable): string | null {
  const isOrGoes = command.type === "session.delete" || command.type === "session.restore";
  if (adds(command) || isOrGoes) return `within ${command.session}`;
  const isShown = command.type === "session.open" || command.type === "session.close";
  return isShown ? `shown ${command.session}` : null;
}

/** What adds is known by its own id, so that it is held once. */
export function idOf(command: Lasting): string {
  if (command.type === "message.send") return command.message;
  return (command.type === "session.create" && command.session) || freshId();
}

export function isNotNow(problem: Problem): boolean {
  return problem.retryable === true && NOT_NOW.has(problem.code);
}

export function isGone(command: Repeatable, problem: Problem): boolean {
  return (
    (command.type === "session.delete" || command.type === "message.delete") && problem.code === "not_found"
  );
}
