// @vitest-environment node
// The contract cases that every reader must pass (docs/protocol.md has their format), and what must cost nothing.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Timeline } from "../../src/lib/client/timeline";
import type { Event, MessagePage, SessionPage } from "../../src/lib/client/wire";

type Row = Record<string, unknown>;
interface Shown {
  seq?: number;
  sessions?: (string | Row)[];
  messages?: Record<string, Row[]>;
  typing?: Record<string, string[]>;
  degraded?: string[];
  now?: number;
}
interface Step {
  open?: string;
  openRefused?: string;
  close?: string;
  event?: Event;
  now?: number;
  gap?: boolean;
  sessionPage?: SessionPage;
  messagePage?: MessagePage;
  shows?: Shown;
}
interface Theme {
  theme: string;
  rows: { session: Row; message: Row };
  cases: { case: string; steps: Step[] }[];
}

const FOLDER = join(import.meta.dirname, "../../../protocol/cases");
const THEMES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".json"))
  .map((name) => read(readFileSync(join(FOLDER, name), "utf8")));

/** A file of cases, with its short ids written out and its rows completed. */
function read(text: string): Theme {
  const theme = JSON.parse(
    text.replaceAll(/"#([0-9a-f]{2})"/g, '"00000000-0000-4000-8000-0000000000$1"'),
  ) as Theme;
  for (const { steps } of theme.cases) {
    for (const step of steps) {
      for (const told of [step.event, step.sessionPage, step.messagePage])
        if (told) complete(told, theme.rows);
    }
  }
  return theme;
}

function complete(told: object, rows: Theme["rows"]): void {
  const fields = told as { sessions?: Row[]; messages?: Row[]; session?: Row | string };
  if (fields.sessions) fields.sessions = fields.sessions.map((row) => ({ ...rows.session, ...row }));
  if (fields.messages) fields.messages = fields.messages.map((row) => ({ ...rows.message, ...row }));
  if (typeof fields.session === "object") fields.session = { ...rows.session, ...fields.session };
}

function play(timeline: Timeline, step: Step): void {
  if (step.open) timeline.open(step.open);
  else if (step.openRefused) timeline.openRefused(step.openRefused);
  else if (step.close) timeline.close(step.close);
  else if (step.event) expect(timeline.apply(step.event, step.now ?? 0)).toBe(step.gap ? "gap" : "applied");
  else if (step.sessionPage) timeline.applySessionPage(step.sessionPage);
  else if (step.messagePage) timeline.applyMessagePage(step.messagePage);
  else if (step.shows) check(timeline, step.shows);
  else throw new Error(`no such step: ${JSON.stringify(step)}`);
}

function check(timeline: Timeline, shown: Shown): void {
  const { now = 0 } = shown;
  const messages = (session: string) =>
    timeline.shownMessages(session).map((row) => ({
      id: row.id,
      text: timeline.textOf(row),
      ...(row.status && { status: row.status }),
    }));
  if (shown.seq !== undefined) expect(timeline.seq).toBe(shown.seq);
  if (shown.sessions) expect(sessions(timeline, shown.sessions)).toEqual(shown.sessions);
  if (shown.degraded) expect(timeline.degraded).toEqual(shown.degraded);
  for (const [session, expected] of Object.entries(shown.messages ?? {}))
    expect(messages(session)).toEqual(expected);
  for (const [session, expected] of Object.entries(shown.typing ?? {})) {
    expect(timeline.typingIn(session, now)).toEqual(expected);
  }
}

/** The list, of each row as much as is expected. */
function sessions(timeline: Timeline, expected: (string | Row)[]): (string | Row)[] {
  return timeline.shownSessions().map((row, index) => {
    const want = expected[index];
    if (typeof want !== "object") return row.id;
    return Object.fromEntries(
      Object.keys(want).map((field) => [field, (row as unknown as Row)[field] ?? null]),
    );
  });
}

describe.each(THEMES)("$theme", ({ cases }) => {
  it.each(cases)("$case", ({ steps }) => {
    const timeline = new Timeline();
    for (const step of steps) play(timeline, step);
    expect(steps.at(-1)).toHaveProperty("shows");
  });
});
