/** What this part asks of the hub: as much of the client's Rest as it needs. And what it may be refused for. */
import { CommandRefused, type Rest } from "../client";

export type MediaRest = Pick<Rest, "upload" | "links" | "transcribe">;

/** The reason of a refusal; "lost" if nobody knows whether it was done. */
export function reasonOf(error: unknown): string {
  return error instanceof CommandRefused ? error.problem.code : "lost";
}
