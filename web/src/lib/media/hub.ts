/** What this part asks of the hub: as much of the client's Rest as it needs. And what it may be refused for. */
import { CommandRefused, type Rest } from "../client";
import type { Refusal } from "../i18n/explained";
import { excuse } from "../shell/excuse";

export type MediaRest = Pick<Rest, "upload" | "links" | "transcribe">;

/** Of what was asked of the hub in vain; "lost" if nobody knows whether it was done. A fault is thrown on. */
export function refusalOf(error: unknown): Refusal {
  excuse(error);
  return error instanceof CommandRefused ? error.problem : { code: "lost", retryable: true };
}
