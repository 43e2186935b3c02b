/** Why something was refused, in the reader's language if it is a reason that people meet, else in the hub's words. */
import { t } from "./index.svelte";

/** Of a command, or of a reply that failed. */
interface Refusal {
  code: string;
  detail?: string;
  title?: string;
}

export function explained(problem: Refusal): string {
  const known: Partial<Record<string, string>> = t().shell.problems;
  return known[problem.code] ?? (problem.detail || (problem.title ?? ""));
}
