/** Where a link of somebody else's text may lead, and what has to be said of it. Pure. */

const SCHEMES = new Set(["http:", "https:", "mailto:"]);
const LOOKS_LIKE_HOST = /(?:^|[\s/@(])((?:[\p{L}\p{N}-]+\.)+[\p{L}]{2,})/gu;

/** The address, written out in full; null if it leads nowhere that a link may lead. */
export function leadsTo(href: string): URL | null {
  let url: URL;
  try {
    url = new URL(href);
  } catch {
    return null;
  }
  return SCHEMES.has(url.protocol) && url.username === "" && url.password === "" ? url : null;
}

/** The host to be shown beside a link, because its `text` names another. */
export function hostToShow(url: URL, text: string): string | null {
  const named = [...text.matchAll(LOOKS_LIKE_HOST)].map((match) => bare(match[1] ?? ""));
  const host = bare(hostOf(url));
  return named.length > 0 && !named.includes(host) ? hostOf(url) : null;
}

export function hostOf(url: URL): string {
  return url.protocol === "mailto:" ? (url.pathname.split("@").at(-1) ?? "") : url.host;
}

function bare(host: string): string {
  return host.toLowerCase().replace(/^www\./, "");
}
