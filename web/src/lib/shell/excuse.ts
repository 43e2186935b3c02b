/**
 * For what a device refuses: what it was asked in vain, whoever asked has to tell; that the connection is gone, the
 * banner tells, and its end the sign-in. Anything else is a fault, and is thrown on.
 */
import { CommandRefused, ConnectionLost, GaveUp } from "../client";

export function excuse(error: unknown): void {
  const isKnown =
    error instanceof CommandRefused || error instanceof ConnectionLost || error instanceof GaveUp;
  if (!isKnown) throw error;
}
