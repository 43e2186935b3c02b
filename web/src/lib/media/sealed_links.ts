/** The sealed addresses of pictures and sounds: asked for when they are shown, and again before they have expired. */
import type { MediaLinks } from "../client";
import type { MediaRest } from "./hub";

/** The hub promises five minutes, by its own clock. */
const GOOD_FOR = 240_000;

interface Asked {
  links: Promise<MediaLinks>;
  until: number;
}

const asked = new WeakMap<MediaRest, Map<string, Asked>>();

/** `anew`: the address that was given has not worked. */
export function linksOf(rest: MediaRest, url: string, anew = false): Promise<MediaLinks> {
  const known = asked.get(rest) ?? new Map<string, Asked>();
  asked.set(rest, known);
  const before = known.get(url);
  if (before && before.until > performance.now() && !anew) return before.links;
  const links = rest.links(url);
  known.set(url, { links, until: performance.now() + GOOD_FOR });
  links.catch(() => known.delete(url));
  return links;
}
