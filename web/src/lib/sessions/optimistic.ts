/**
 * What was done here and is not yet heard of, laid over what the hub said. Shown at once; `settle` tells as of which
 * number the hub has it, and from then on the hub's row counts; `takeBack` undoes what was refused.
 */
import type { NewSession, Session } from "../client";

type Change =
  { kind: "added"; row: Session } | { kind: "changed"; fields: Partial<Session> } | { kind: "removed" };
interface Overlay {
  change: Change;
  /** The number of the hub's row that holds the change; null: not answered yet. */
  seq: number | null;
}

export class Overlays {
  #held = new Map<string, Overlay>();

  add(row: Session): void {
    this.#held.set(row.id, { change: { kind: "added", row }, seq: null });
  }

  /** Over a session that is itself only here, the fields go into it; and to those that were changed before. */
  change(id: string, fields: Partial<Session>): void {
    const held = this.#held.get(id)?.change;
    const former = held?.kind === "changed" ? held.fields : {};
    if (held?.kind === "added") Object.assign(held, { row: { ...held.row, ...fields } });
    else this.#held.set(id, { change: { kind: "changed", fields: { ...former, ...fields } }, seq: null });
  }

  remove(id: string): void {
    this.#held.set(id, { change: { kind: "removed" }, seq: null });
  }

  settle(id: string, seq: number): void {
    const held = this.#held.get(id);
    if (held !== undefined) held.seq = seq;
  }

  takeBack(id: string): void {
    this.#held.delete(id);
  }

  /** The row as it is shown; null if it is not. */
  over(id: string, row: Session | null): Session | null {
    const change = this.#held.get(id)?.change;
    if (change === undefined) return row;
    if (change.kind === "added") return row ?? change.row;
    if (change.kind === "removed" || row === null) return null;
    return { ...row, ...change.fields };
  }

  /** The list as it is shown. `all`: every row that is held of the hub's, by which it is known what has arrived. */
  overList(shown: readonly Session[], all: ReadonlyMap<string, Session>): Session[] {
    for (const [id, { seq }] of this.#held) {
      if (seq !== null && (all.get(id)?.seq ?? -1) >= seq) this.#held.delete(id);
    }
    if (this.#held.size === 0) return [...shown];
    const added = [...this.#held.values()].flatMap(({ change }) =>
      change.kind === "added" ? [change.row] : [],
    );
    const here = new Set(shown.map((row) => row.id));
    const rows = [...added.filter((row) => !here.has(row.id)).reverse(), ...shown];
    return rows.flatMap((row) => this.over(row.id, row) ?? []);
  }
}

/** The row of a session that is about to be created. */
export function newRow(id: string, { title = "", mode = "fun", language = "en" }: NewSession): Session {
  const now = new Date().toISOString();
  const counts = { messageCount: 0, readSeq: 0, seq: 0 };
  return { id, userId: "", title, mode, language, createdAt: now, updatedAt: now, ...counts };
}

/** As of which number a deleted session's row is its tombstone: the held row's, or whatever is heard next. */
export function tombstoneOf(held: Session | undefined): number {
  if (held === undefined) return 0;
  return held.deletedAt === undefined ? held.seq + 1 : held.seq;
}
