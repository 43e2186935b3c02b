/** What can go wrong for whoever uses a device. */

import type { Problem, Refused } from "./wire";

/** The hub will not do it. Nothing was done; of `unavailable` and `internal` nobody knows. */
export class CommandRefused extends Error {
  override readonly name = "CommandRefused";

  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** The connection broke before the answer, or there is none. The timeline will tell whether the command was done. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/**
 * The device will not connect again. `code` is the close code: 4501 and 4507 ask for another sign-in, 4508 says that
 * the user was erased. `problem` is why the hub refused, where it said so.
 */
export class GaveUp extends Error {
  override readonly name = "GaveUp";

  constructor(
    readonly code: number,
    readonly reason: string,
    readonly problem?: Problem,
  ) {
    super(`${problem?.detail ?? (reason || "the connection was ended")} (${code})`);
  }
}

export function problemOf({ problem, title, status, detail, code, retryable, ...more }: Refused): Problem {
  const { retryAfterMs, errors } = more;
  return {
    type: problem,
    title,
    status,
    detail,
    code,
    ...(retryable !== undefined && { retryable }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(errors !== undefined && { errors }),
  };
}
