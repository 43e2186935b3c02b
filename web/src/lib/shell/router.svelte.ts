/**
 * Where the reader is: `/`, or `/s/<id>` with `#m=<message>` for a message in it. The address is the truth, so that
 * going back, a reload and a link from elsewhere all lead to the same place; the page's own links are plain ones.
 */
export interface Place {
  /** Null: at the beginning. */
  session: string | null;
  message: string | null;
  /** There is nothing at this address. */
  isNowhere?: true;
}

/** Null: no place of this page. */
export function placeOf(path: string, fragment: string): Place | null {
  if (path === "/") return { session: null, message: null };
  const session = /^\/s\/([^/]+)\/?$/.exec(path)?.[1]?.toLowerCase();
  return session === undefined ? null : { session, message: messageIn(fragment) };
}

function messageIn(fragment: string): string | null {
  return /^#m=([0-9a-f-]{36})$/i.exec(fragment)?.[1]?.toLowerCase() ?? null;
}

export function addressOf(session: string | null, message: string | null = null): string {
  if (session === null) return "/";
  return `/s/${session}${message === null ? "" : `#m=${message}`}`;
}

const BEGINNING: Place = { session: null, message: null };
const NOWHERE: Place = { ...BEGINNING, isNowhere: true };

export class Router {
  /** Another object each time that somebody goes there, be it the same place. */
  place = $state.raw<Place>(BEGINNING);

  constructor() {
    this.#look();
  }

  /** Returns how to stop listening. */
  listen(): () => void {
    const look = () => this.#look();
    const follow = (event: MouseEvent) => this.#follow(event);
    addEventListener("popstate", look);
    document.addEventListener("click", follow);
    return () => {
      removeEventListener("popstate", look);
      document.removeEventListener("click", follow);
    };
  }

  /** `instead`: this place is not one to come back to. */
  go(session: string | null, message: string | null = null, { instead = false } = {}): void {
    this.#goTo(addressOf(session, message), instead);
  }

  #goTo(address: string, instead = false): void {
    const isElsewhere = new URL(address, location.origin).href !== location.href;
    if (instead) history.replaceState(null, "", address);
    else if (isElsewhere) history.pushState(null, "", address);
    this.#look();
  }

  #look(): void {
    this.place = placeOf(location.pathname, location.hash) ?? { ...NOWHERE };
  }

  /**
   * A click on a link of the page's own. One that asks for a new tab or window is the browser's, and so is a fragment
   * that names no message: it moves the focus there.
   */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[href]") : null;
    if (
      link === null ||
      link.origin !== location.origin ||
      link.target !== "" ||
      link.hasAttribute("download")
    )
      return;
    const place = placeOf(link.pathname, link.hash);
    if (place === null || (link.hash !== "" && place.message === null)) return;
    event.preventDefault();
    this.#goTo(link.href);
  }
}
