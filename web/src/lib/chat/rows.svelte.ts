/**
 * The messages of one session as rows: those the hub has, in order, as they were changed here, and after them those that
 * wait in the outbox. A message that is sent becomes the real one in the same row, so nothing jumps. Read from the
 * timeline and the outbox, never written.
 */
import type { Device, Message, PendingChange, PendingSend } from "../client";
import { isSame, Row } from "./row.svelte";

type Readable = Pick<Device, "timeline" | "pendingSends" | "pendingChanges">;

export class Rows {
  shown = $state.raw<Row[]>([]);
  /** Of the replies that are still to come, the ids in order: the first is being written, the others wait. */
  open = $state.raw<string[]>([]);
  /** Earlier ones than the hub has sent are shown as they were before everything was replaced. */
  isBehind = false;
  #known = new Map<string, Row>();
  readonly #device: Readable;
  readonly #session: string;

  constructor(device: Readable, session: string) {
    this.#device = device;
    this.#session = session;
  }

  /** A reply has grown. */
  showText(id: string): void {
    const row = this.#known.get(id);
    const message = this.#device.timeline.messages.get(id);
    if (row !== undefined && message !== undefined) row.text = this.#device.timeline.textOf(message);
  }

  /**
   * Anything else has changed. False: not the list, at most what is in it. `keepsPlace`: somebody reads far up, where
   * what was shown stays until the hub's pages have come as far.
   */
  showAll(keepsPlace = false): boolean {
    const changes = lastChanges(this.#device.pendingChanges());
    const held = this.#held(keepsPlace).filter(({ id }) => changes.get(id)?.change.type !== "message.delete");
    const open = held.filter((message) => message.status === "pending").map((message) => message.id);
    const known = new Map<string, Row>();
    for (const message of held) known.set(message.id, this.#hold(message, open, changes.get(message.id)));
    for (const send of this.#device.pendingSends(this.#session)) {
      if (!known.has(send.message)) known.set(send.message, this.#await(send));
    }
    this.#known = known;
    const shown = [...known.values()];
    if (!isSame(open, this.open)) this.open = open;
    if (isSame(shown, this.shown)) return false;
    this.shown = shown;
    return true;
  }

  /** While a page is on its way, after everything was replaced, what was shown stays. */
  #held(keepsPlace: boolean): Message[] {
    const { timeline } = this.#device;
    const held = timeline.shownMessages(this.#session);
    const begins = timeline.opened.get(this.#session);
    this.isBehind = false;
    if (begins === undefined || (begins !== null && !keepsPlace)) return held;
    const former = this.shown.flatMap(({ message }) => this.#former(message, begins ?? Infinity));
    this.isBehind = former.length > 0;
    const all = new Map([...former, ...held].map((message) => [message.id, message]));
    return [...all.values()].sort((one, other) => one.position - other.position);
  }

  #former(shown: Message | null, begins: number): Message[] {
    if (shown === null || shown.position >= begins) return [];
    const message = this.#device.timeline.messages.get(shown.id) ?? shown;
    return message.deletedAt === undefined ? [message] : [];
  }

  #hold(message: Message, open: readonly string[], pending: PendingChange | undefined): Row {
    const row = this.#row(message.id);
    row.message = message;
    row.pending = null;
    row.changing = pending?.state ?? null;
    row.text = editedBy(pending) ?? this.#device.timeline.textOf(message);
    row.waits = message.status === "pending" && open[0] !== message.id;
    return row;
  }

  #await(send: PendingSend): Row {
    const row = this.#row(send.message);
    row.pending = send;
    row.text = send.content;
    return row;
  }

  #row(id: string): Row {
    return this.#known.get(id) ?? new Row(id);
  }
}

/** What was done last to each message. */
function lastChanges(changes: readonly PendingChange[]): Map<string, PendingChange> {
  return new Map(changes.flatMap((each) => ("message" in each.change ? [[each.change.message, each]] : [])));
}

function editedBy(pending: PendingChange | undefined): string | null {
  return pending?.change.type === "message.edit" ? pending.change.content : null;
}
