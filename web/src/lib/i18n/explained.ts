/** Why something was refused, in the reader's language if it is a reason that people meet, else in the hub's words. */
import { t } from "./index.svelte";

/** Of a command, of a reply that failed, or of what is not even asked of the hub. */
export interface Refusal {
  code: string;
  detail?: string;
  title?: string;
  retryable?: boolean;
  errors?: readonly { code: string }[];
}

type Texts = Partial<Record<string, string>>;

/** `own`: the texts of reasons that are met in one place only, or mean something else there. */
export function explained({ code, detail, title, errors }: Refusal, own: Texts = {}): string {
  const { problems, invalid }: { problems: Texts; invalid: Texts & { other: string } } = t().shell;
  if (code === "invalid") return invalid[errors?.[0]?.code ?? ""] ?? invalid.other;
  return own[code] ?? problems[code] ?? (detail || (title ?? ""));
}
