import { CloseCode } from "../client";

/** What is to be done when the hub has ended a device for good, by its close code (docs/protocol.md). */
export type End = "sign_in" | "erased" | "crowded" | "other";

const ends: Partial<Record<number, End>> = {
  [CloseCode.UNAUTHENTICATED]: "sign_in",
  [CloseCode.TOO_MANY_CONNECTIONS]: "crowded",
  [CloseCode.SIGNED_OUT]: "sign_in",
  [CloseCode.ERASED]: "erased",
};

export function endOf(code: number): End {
  return ends[code] ?? "other";
}
