/** Where the reader is: the address says it, and the page's own links keep to it. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { addressOf, placeOf, Router } from "../../src/lib/shell/router.svelte";

const session = "7f0c0a52-0f2c-4a8e-9a39-3d7a2c0a9b11";
const message = "2b1f1f0e-5a55-4a5f-8d55-7f2b6c3d4e5f";

describe("an address", () => {
  it("leads to the place that it was made of", () => {
    const { pathname, hash } = new URL(addressOf(session, message), "http://hub.example");
    expect(placeOf(pathname, hash)).toEqual({ session, message });
    expect(placeOf(addressOf(null), "")).toEqual({ session: null, message: null });
  });

  it("names a session in small letters, as the hub does", () => {
    expect(placeOf(`/s/${session.toUpperCase()}`, "")?.session).toBe(session);
  });

  it("asks for a message by its id, and for nothing else", () => {
    expect(placeOf("/s/a", `#m=${message.toUpperCase()}`)?.message).toBe(message);
    for (const hash of ["", "#", "#m=", "#m=../../x", `#x=${message}`, `#m=${message}&y`])
      expect(placeOf("/s/a", hash)).toEqual({ session: "a", message: null });
  });

  it("of something else is no place of the page", () => {
    expect(placeOf("/docs", "")).toBeNull();
    expect(placeOf("/s/a/b", "")).toBeNull();
  });
});

describe("the router", () => {
  let stop: () => void;
  let router: Router;

  const link = (href: string): HTMLAnchorElement => {
    const made = document.createElement("a");
    made.href = href;
    document.body.append(made);
    return made;
  };
  const click = (target: HTMLElement, options: MouseEventInit = {}): boolean =>
    target.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ...options }));

  beforeEach(() => {
    history.replaceState(null, "", "/");
    router = new Router();
    stop = router.listen();
  });
  afterEach(() => {
    stop();
    document.body.replaceChildren();
  });

  it("follows a link of the page's without a new page", () => {
    expect(click(link(`/s/${session}`))).toBe(false);
    expect(router.place.session).toBe(session);
    expect(location.pathname).toBe(`/s/${session}`);
  });

  it("leaves a click that asks for another tab to the browser", () => {
    document.addEventListener("click", (event) => event.preventDefault(), { once: true, capture: false });
    click(link(`/s/${session}`), { ctrlKey: true });
    expect(router.place.session).toBeNull();
  });

  it("tells of a message in the session that is shown already, each time that it is gone to", () => {
    router.go(session);
    router.go(session, message);
    const { place } = router;
    expect(place).toEqual({ session, message });
    router.go(session, message);
    expect(router.place).not.toBe(place);
  });

  it("leaves a fragment that names no message to the browser", () => {
    router.go(session);
    const followed: boolean[] = [];
    const note = (event: Event) => {
      followed.push(event.defaultPrevented);
      event.preventDefault();
    };
    addEventListener("click", note);
    for (const href of ["#main", "/#as=ada", `#m=${message}`]) click(link(href));
    removeEventListener("click", note);
    expect(followed).toEqual([false, false, true]);
    expect(router.place).toEqual({ session, message });
  });

  it("is nowhere where there is no such page, and at the beginning again by the link there", () => {
    history.replaceState(null, "", "/docs");
    const lost = new Router();
    expect(lost.place).toMatchObject({ session: null, isNowhere: true });
    lost.go(null);
    expect([lost.place.isNowhere, location.pathname]).toEqual([undefined, "/"]);
  });

  it("goes back to where the reader was", async () => {
    router.go(session);
    const back = new Promise((resolve) => addEventListener("popstate", resolve, { once: true }));
    history.back();
    await back;
    expect(router.place.session).toBeNull();
  });

  it("leaves no way back to a place that is gone", () => {
    router.go(session);
    const { length } = history;
    router.go(null, null, { instead: true });
    expect([history.length, location.pathname]).toEqual([length, "/"]);
  });
});
