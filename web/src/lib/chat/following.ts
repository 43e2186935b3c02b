/**
 * Whether a conversation keeps to its end while it grows. Pure: it is decided by where the reader was and is.
 */
export interface Place {
  /** Pixels above the view, of the view, and of everything. */
  top: number;
  view: number;
  all: number;
}

const NEAR = 24;
const STILL = 1;

export function toEnd(place: Place): number {
  return place.all - place.top - place.view;
}

/**
 * Who moves up, even a little, wants to read there; who comes back to the end wants to follow again. What has grown
 * since, or become less, was no move of the reader's.
 */
export function follows(did: boolean, before: Place, now: Place): boolean {
  const isShorter = now.all < before.all || now.view !== before.view;
  const movedUp = now.top < before.top - STILL && !isShorter;
  return toEnd(now) <= NEAR ? !movedUp || toEnd(now) <= STILL : did && !movedUp;
}
