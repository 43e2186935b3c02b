/**
 * What was done here and is not yet heard of, laid over what the hub said. Shown at once; `settle` tells as of which
 * number the hub has it, and from then on the hub's row counts; `takeBack` undoes what was refused. Of what is done to
 * one session the last counts: an answer to something before it changes nothing.
 */
import { type NewSession, type Session, sessionKey } from "../client";

type Change =
  { kind: "added"; row: Session } | { kind: "changed"; fields: Partial<Session> } | { kind: "removed" };
export interface Overlay {
  readonly session: string;
  readonly change: Change;
  /** The number of the hub's row that holds the change; null: not answered yet. */
  seq: number | null;
}

export class Overlays {
  readonly #held = new Map<string, Overlay>();

  add(row: Session): Overlay {
    return this.#lay(row.id, { kind: "added", row });
  }

  /** Over a session that is itself only here, the fields go into it; and to those that were changed before. */
  change(id: string, fields: Partial<Session>): Overlay {
    const held = this.#held.get(id)?.change;
    if (held?.kind === "added") return this.add({ ...held.row, ...fields });
    const former = held?.kind === "changed" ? held.fields : {};
    return this.#lay(id, { kind: "changed", fields: { ...former, ...fields } });
  }

  remove(id: string): Overlay {
    return this.#lay(id, { kind: "removed" });
  }

  settle(overlay: Overlay, seq: number): void {
    overlay.seq = seq;
  }

  takeBack(overlay: Overlay): void {
    if (this.#held.get(overlay.session) === overlay) this.#held.delete(overlay.session);
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
    const rows = inPlace(
      shown,
      added.filter((row) => !here.has(row.id)),
    );
    return rows.flatMap((row) => this.over(row.id, row) ?? []);
  }

  #lay(session: string, change: Change): Overlay {
    const overlay = { session, change, seq: null };
    this.#held.set(session, overlay);
    return overlay;
  }
}

/** Rows among those that are shown already, each where the hub will have it. */
function inPlace(shown: readonly Session[], added: readonly Session[]): Session[] {
  const rows = [...shown];
  for (const row of added) {
    const key = sessionKey(row);
    const place = rows.findIndex((other) => sessionKey(other) < key);
    rows.splice(place < 0 ? rows.length : place, 0, row);
  }
  return rows;
}

/** Now, and later than the latest session, even if this clock is slow: the hub puts what is created or restored on top. */
export function timeOnTop(latest: Session | undefined): string {
  const after = latest === undefined ? 0 : Date.parse(latest.updatedAt) + 1;
  return new Date(Math.max(Date.now(), after)).toISOString();
}

/** The row of a session that is about to be created. */
export function newRow(
  id: string,
  { title = "", mode = "fun", language = "en" }: NewSession,
  now: string,
): Session {
  const counts = { messageCount: 0, readSeq: 0, seq: 0 };
  return { id, userId: "", title, mode, language, createdAt: now, updatedAt: now, ...counts };
}

/** As of which number a deleted session's row is its tombstone: the held row's, or whatever is heard next. */
export function tombstoneOf(held: Session | undefined): number {
  if (held === undefined) return 0;
  return held.deletedAt === undefined ? held.seq + 1 : held.seq;
}
