/**
 * Sessions as they are shown: what the hub said, and over it, in order, what was changed here and is not yet heard of.
 * What is refused is among the changes no more, and so is not shown any more.
 */
import { type Change, type NewSession, type Session, sessionKey } from "../client";

/** The rows that were changed, as they will be: a deleted one with its `deletedAt`. `held`: the hub's, `latest` on top. */
export function changedRows(
  held: ReadonlyMap<string, Session>,
  changes: readonly Change[],
  latest: Session | undefined,
): Map<string, Session> {
  const rows = new Map<string, Session>();
  for (const [place, change] of changes.entries()) {
    if (!("session" in change) || change.session === undefined) continue;
    const row = after(rows.get(change.session) ?? held.get(change.session), change, timeOnTop(latest, place));
    if (row !== undefined) rows.set(change.session, row);
  }
  return rows;
}

/** The sessions that are to be deleted, also those of which nothing else is known here. */
export function deletedBy(changes: readonly Change[]): Set<string> {
  const deleted = new Set<string>();
  for (const change of changes) {
    if (change.type === "session.delete") deleted.add(change.session);
    if (change.type === "session.restore") deleted.delete(change.session);
  }
  return deleted;
}

/** The list with the changed rows, each where the hub will have it; not those that are below its end. */
export function listWith(changed: ReadonlyMap<string, Session>, listed: readonly Session[]): Session[] {
  if (changed.size === 0) return [...listed];
  const last = listed.at(-1);
  const end = last === undefined ? "" : sessionKey(last);
  const rows = new Map(listed.map((row) => [row.id, row]));
  for (const [id, row] of changed) if (rows.has(id) || sessionKey(row) >= end) rows.set(id, row);
  return [...rows.values()]
    .filter((row) => row.deletedAt === undefined)
    .sort((one, other) => (sessionKey(one) < sessionKey(other) ? 1 : -1));
}

function after(row: Session | undefined, change: Change, now: string): Session | undefined {
  if (change.type === "session.create") return row ?? newRow(change.session ?? "", change, now);
  if (row === undefined) return undefined;
  switch (change.type) {
    case "session.update": {
      const { title = row.title, mode = row.mode, language = row.language } = change;
      return { ...row, title, mode, language };
    }
    case "session.delete":
      return { ...row, deletedAt: now };
    case "session.restore":
      return restored(row, now);
    default:
      return row;
  }
}

function restored({ deletedAt, ...row }: Session, now: string): Session {
  return deletedAt === undefined ? row : { ...row, updatedAt: now };
}

function newRow(id: string, { title = "", mode = "fun", language = "en" }: NewSession, now: string): Session {
  const counts = { messageCount: 0, readSeq: 0, seq: 0 };
  return { id, userId: "", title, mode, language, createdAt: now, updatedAt: now, ...counts };
}

/** Now, and later than the latest session, even if this clock is slow: the hub puts what is created or restored on top. */
function timeOnTop(latest: Session | undefined, place: number): string {
  const next = latest === undefined ? 0 : Date.parse(latest.updatedAt) + 1;
  return new Date(Math.max(Date.now(), next) + place).toISOString();
}
