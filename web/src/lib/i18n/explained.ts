/** Why something was refused, in the reader's language if it is a reason that people meet, else in the hub's words. */
import { t } from "./index.svelte";

/** Of a command, or of a reply that failed. */
interface Refusal {
  code: string;
  detail?: string;
  title?: string;
  errors?: readonly { code: string }[];
}

type Texts = Partial<Record<string, string>>;

export function explained({ code, detail, title, errors }: Refusal): string {
  const { problems, invalid }: { problems: Texts; invalid: Texts & { other: string } } = t().shell;
  if (code === "invalid") return invalid[errors?.[0]?.code ?? ""] ?? invalid.other;
  return problems[code] ?? (detail || (title ?? ""));
}
