// Chance that can be had again: a generator of which the same seed gives the same (mulberry32).

export interface Chance {
  /** A whole number from 0 to one less than the limit. */
  below(limit: number): number;
  of<T>(these: readonly T[]): T;
}

export function chance(seed: number): Chance {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number) => Math.floor(next() * limit);
  return { below, of: <T>(these: readonly T[]) => these[below(these.length)] as T };
}
