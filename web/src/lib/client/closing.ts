/** How a connection is ended, and whether to come back then. */

/** The hub's own: the twin of CloseCode in protocol/errors.py. */
export const CloseCode = {
  DRAINING: 4000,
  SLOW: 4001,
  RESYNC: 4002,
  TOKEN_EXPIRED: 4003,
  RATE_LIMITED: 4005,
  SERVER_ERROR: 4006,
  OVERLOADED: 4007,
  BAD_REQUEST: 4500,
  UNAUTHENTICATED: 4501,
  NO_HELLO: 4502,
  FORBIDDEN: 4503,
  TOO_MANY_CONNECTIONS: 4505,
  SIGNED_OUT: 4507,
  ERASED: 4508,
} as const;

/** Of the websocket protocol. */
export const GOING_AWAY = 1001;
export const PROTOCOL_ERROR = 1002;
export const ABNORMAL = 1006;

/** Codes of the websocket protocol that say the client is at fault; the others are worth a retry. */
const GIVE_UP: ReadonlySet<number> = new Set([1002, 1003, 1007, 1008, 1009]);

/** Whether a client that was closed with this code should connect again. */
export function comesBack(code: number): boolean {
  return !((code >= 4500 && code <= 4999) || GIVE_UP.has(code));
}
