/** The session list under the days that it goes back: the latest first, as it came. */
import type { Session } from "../client";

export const ages = ["today", "yesterday", "week", "month", "older"] as const;
type Age = (typeof ages)[number];
export interface Group {
  age: Age;
  sessions: Session[];
}

export function grouped(sessions: readonly Session[], now = new Date()): Group[] {
  const groups: Group[] = [];
  for (const session of sessions) {
    const age = ageOf(new Date(session.updatedAt), now);
    const last = groups.at(-1);
    if (last?.age === age) last.sessions.push(session);
    else groups.push({ age, sessions: [session] });
  }
  return groups;
}

/** The same groups with what has become of their rows; what is new since is not among them yet. */
export function inOrderOf(groups: readonly Group[], sessions: readonly Session[]): Group[] {
  const rows = new Map(sessions.map((row) => [row.id, row]));
  return groups.map(({ age, sessions }) => ({
    age,
    sessions: sessions.flatMap(({ id }) => rows.get(id) ?? []),
  }));
}

/** By the reader's own calendar days. A clock that is a little fast is today's, too. */
function ageOf(then: Date, now: Date): Age {
  const days = Math.round((midnight(now) - midnight(then)) / 86_400_000);
  if (days <= 0) return "today";
  if (days === 1) return "yesterday";
  if (days <= 7) return "week";
  return days <= 30 ? "month" : "older";
}

function midnight(time: Date): number {
  return new Date(time.getFullYear(), time.getMonth(), time.getDate()).getTime();
}
