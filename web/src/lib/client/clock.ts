/** The clocks of a device, in seconds. Neither is ever set back while a page lives. */

/** Of this page: `performance.now()`, in seconds. */
export function pageTime(): number {
  return performance.now() / 1000;
}

/** Of what outlives the page. */
export function lastingTime(): number {
  return (performance.timeOrigin + performance.now()) / 1000;
}

/** A random time between two, so that not all devices come at once. */
export function between(shortest: number, longest: number): number {
  return shortest + Math.random() * (longest - shortest);
}
