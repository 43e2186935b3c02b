/**
 * A message as one row of the conversation shows it. What is shown of it are its own runes, so that a token changes
 * one row and nothing else of the page.
 */
import type { FieldError, Message, Metadata, PendingSend, Progress } from "../client";

/** How a row stands; of one's own messages how far it has come, of a reply whether it is being written. */
type Standing =
  | "sent"
  | "sending"
  | "queued"
  | "postponed"
  | "failed"
  | "waiting"
  | "thinking"
  | "writing"
  | "answered"
  | "stopped"
  | "broken";

export class Row {
  readonly id: string;
  /** What the hub has of it; null while it is only in the outbox. */
  message = $state.raw<Message | null>(null);
  /** What the outbox has of it; null once the hub has it. */
  pending = $state.raw<PendingSend | null>(null);
  /** How far a change of it has come that the hub has not told of yet. */
  changing = $state<Progress | null>(null);
  text = $state("");
  /** Another reply is written before this one. */
  waits = $state(false);

  constructor(id: string) {
    this.id = id;
  }

  get isOwn(): boolean {
    return this.message === null || this.message.type === "user";
  }

  get isOpen(): boolean {
    return this.message?.status === "pending";
  }

  get imageUrl(): string | null {
    return this.message?.metadata?.imageUrl ?? this.pending?.metadata?.imageUrl ?? null;
  }

  get audioUrl(): string | null {
    return this.message?.metadata?.audioUrl ?? this.pending?.metadata?.audioUrl ?? null;
  }

  /** It failed because its picture or its sound is not there any more: as it is, it can only fail again. */
  get isBereft(): boolean {
    return this.pending?.problem?.errors?.some(isOfMedia) ?? false;
  }

  /** What goes with it, but for what is not there any more. */
  get remaining(): Metadata | undefined {
    const { metadata, problem } = this.pending ?? {};
    if (metadata === undefined || !this.isBereft) return metadata;
    const gone = problem?.errors?.filter(isOfMedia).map(({ field }) => field) ?? [];
    return Object.fromEntries(
      Object.entries(metadata).filter(([name]) => !gone.includes(`metadata.${name}`)),
    );
  }

  get standing(): Standing {
    const progress = this.message === null ? (this.pending?.state ?? "sent") : this.changing;
    if (progress !== null) return progress === "sent" ? "sending" : progress;
    if (this.message === null || this.message.type === "user") return "sent";
    switch (this.message.status) {
      case "pending":
        if (this.text !== "") return "writing";
        return this.waits ? "waiting" : "thinking";
      case "failed":
        return "broken";
      case "stopped":
        return "stopped";
      default:
        return "answered";
    }
  }
}

function isOfMedia({ code }: FieldError): boolean {
  return code === "unknown_media";
}

/** Whether two lists hold the same things in the same order: a list that is equal need not be shown again. */
export function isSame<T>(one: readonly T[], other: readonly T[]): boolean {
  return one.length === other.length && one.every((item, index) => item === other[index]);
}

/** The one after a row that may be gone, or else the last. */
export function nearest(rows: readonly Row[], { message }: Row): Row | undefined {
  const place = message?.position ?? Infinity;
  return rows.find((row) => (row.message?.position ?? Infinity) > place) ?? rows.at(-1);
}

/** The place of the last message that the hub has. */
export function lastPosition(rows: readonly Row[]): number {
  return rows.findLast((row) => row.message !== null)?.message?.position ?? 0;
}

/** How many messages there are after a place. */
export function countAfter(rows: readonly Row[], position: number): number {
  const last = rows.findLastIndex((row) => row.message !== null && row.message.position <= position);
  return rows.slice(last + 1).filter((row) => row.message !== null).length;
}
