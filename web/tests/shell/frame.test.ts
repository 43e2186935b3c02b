/** Keys, toasts, the banner and the walk through a list: what each does, and what it leaves alone. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { connect, Rest } from "../../src/lib/client";
import { deedOf, keysOf } from "../../src/lib/shell/shortcuts";
import { Toasts } from "../../src/lib/shell/toasts.svelte";
import { skyOf, Weather } from "../../src/lib/shell/weather.svelte";
import { stepFrom, walking } from "../../src/lib/shell/walking";

describe("a key", () => {
  const press = (key: string, more = {}) => ({
    key,
    code: "",
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    ...more,
  });

  it("alone is a shortcut only where nothing is typed into", () => {
    expect(deedOf(press("n"), false, true)).toBe("newSession");
    expect(deedOf(press("n"), true, true)).toBeNull();
    expect(deedOf(press("/"), false, true)).toBe("search");
  });

  it("alone is none for who wants it so, and is not on the sheet", () => {
    expect(deedOf(press("n"), false, false)).toBeNull();
    expect(keysOf(false, false).map((row) => row.name)).not.toContain("newSession");
    expect(keysOf(false, true).map((row) => row.name)).toContain("newSession");
  });

  it("with Ctrl or Cmd works from a text as well", () => {
    expect(deedOf(press("/", { ctrlKey: true }), true, false)).toBe("sheet");
    expect(deedOf(press("K", { metaKey: true }), true, false)).toBe("search");
  });

  it("does the same where it writes another script", () => {
    expect(deedOf(press("ن", { code: "KeyK", ctrlKey: true }), true, true)).toBe("search");
    expect(deedOf(press("ظ", { code: "Slash", ctrlKey: true }), true, true)).toBe("sheet");
    expect(deedOf(press("ى", { code: "KeyN" }), false, true)).toBe("newSession");
    expect(deedOf(press("b", { code: "KeyN" }), false, true)).toBeNull(); // Dvorak
  });

  it("of the browser's stays the browser's", () => {
    expect(deedOf(press("n", { ctrlKey: true }), false, true)).toBeNull();
    expect(deedOf(press("n", { altKey: true }), false, true)).toBeNull();
  });
});

describe("a toast", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("goes after its time, each after its own", () => {
    const toasts = new Toasts();
    toasts.show("short", { lasts: 1_000 });
    vi.advanceTimersByTime(500);
    toasts.show("long", { lasts: 2_000 });
    vi.advanceTimersByTime(501);
    expect(toasts.shown.map((toast) => toast.text)).toEqual(["long"]);
    vi.advanceTimersByTime(1_600);
    expect(toasts.shown).toEqual([]);
  });

  it("stays while somebody is at it, and then has what was left", () => {
    const toasts = new Toasts();
    toasts.show("undo?", { lasts: 1_000 });
    vi.advanceTimersByTime(900);
    toasts.wait();
    vi.advanceTimersByTime(60_000);
    expect(toasts.shown).toHaveLength(1);
    toasts.go();
    vi.advanceTimersByTime(101);
    expect(toasts.shown).toEqual([]);
  });

  it("is gone when it is dismissed, and the others are not", () => {
    const toasts = new Toasts();
    const first = toasts.show("first");
    toasts.show("second");
    toasts.dismiss(first);
    expect(toasts.shown.map((toast) => toast.text)).toEqual(["second"]);
  });

  describe("among many", () => {
    const many = () => {
      const toasts = new Toasts();
      for (const text of ["a", "b", "c", "d", "e"]) toasts.show(text, { lasts: 1_000 });
      return toasts;
    };
    const seen = (toasts: Toasts) => toasts.seen.map((toast) => toast.text).join("");

    it("is seen if it is one of the latest three, and else when somebody asks for it", () => {
      const toasts = many();
      expect([seen(toasts), toasts.countBehind]).toEqual(["cde", 2]);
      toasts.isSpread = true;
      expect([seen(toasts), toasts.countBehind]).toEqual(["abcde", 0]);
    });

    it("comes forward when there is room, and they are together again once they are few", () => {
      const toasts = many();
      toasts.dismiss(4);
      expect([seen(toasts), toasts.countBehind]).toEqual(["bce", 1]);
      toasts.isSpread = true;
      toasts.dismiss(1);
      expect(toasts.isSpread).toBe(false);
    });

    it("goes after its time, seen or not, and none waits for another", () => {
      const toasts = many();
      vi.advanceTimersByTime(1_001);
      expect(toasts.shown).toEqual([]);
    });
  });
});

describe("the banner", () => {
  it("says the worst of what is wrong", () => {
    expect(skyOf("away", false, true)).toBe("offline");
    expect(skyOf("away", true, true)).toBe("reconnecting");
    expect(skyOf("connecting", true, false)).toBe("reconnecting");
    expect(skyOf("catching_up", true, false)).toBe("catching_up");
    expect(skyOf("in_step", true, true)).toBe("degraded");
  });

  it("believes the connection, not the browser: a hub on this machine needs no network", () => {
    expect(skyOf("in_step", false, false)).toBe("fine");
  });

  it("is silent when the device has ended: the sign-in tells", () => {
    expect(skyOf("ended", true, false)).toBe("fine");
  });

  it("bears with a lost connection for a second, and then says that it is coming back", async () => {
    const nobody = "http://127.0.0.1:9"; // discard: nothing listens there
    const token = () =>
      new Rest(nobody, () => Promise.resolve("")).devSignIn("ada").then((made) => made.token);
    const device = connect({ url: nobody, token, who: { id: "test", name: "test" } });
    const weather = new Weather(device);
    const begun = performance.now();
    const stop = weather.watch();
    expect(weather.sky).toBe("fine");
    await vi.waitFor(() => expect(weather.sky).toBe("reconnecting"), { timeout: 8_000, interval: 20 });
    expect(performance.now() - begun).toBeGreaterThan(950);
    stop();
    device.disconnect();
  });
});

describe("the arrows in a list", () => {
  it("stop at its ends", () => {
    expect([stepFrom(0, 3, "ArrowUp"), stepFrom(2, 3, "ArrowDown"), stepFrom(1, 3, "End")]).toEqual([
      0, 2, 2,
    ]);
    expect(stepFrom(1, 3, "a")).toBeNull();
  });

  it("move the focus from one row to the next, through other lists within", () => {
    document.body.innerHTML = "<div><ul><li><a href='/1'>1</a></ul><ul><li><a href='/2'>2</a></ul></div>";
    const list = document.querySelector("div") ?? document.body;
    const stop = walking("a")(list);
    list.querySelector("a")?.focus();
    document.activeElement?.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowDown", bubbles: true }));
    expect(document.activeElement?.textContent).toBe("2");
    stop();
  });
});
