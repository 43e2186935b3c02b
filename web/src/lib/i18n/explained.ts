/** Why something was refused, in the reader's language if it is a reason that people meet, else in the hub's words. */
import type { Problem } from "../client";
import { t } from "./index.svelte";

export function explained(problem: Problem): string {
  const known: Partial<Record<string, string>> = t().shell.problems;
  return known[problem.code] ?? (problem.detail || problem.title);
}
