/** What is to be done when the hub has ended a device for good, by its close code (docs/protocol.md). */
export type End = "sign_in" | "erased" | "crowded" | "other";

const ends: Partial<Record<number, End>> = {
  4501: "sign_in",
  4505: "crowded",
  4507: "sign_in",
  4508: "erased",
};

export function endOf(code: number): End {
  return ends[code] ?? "other";
}
