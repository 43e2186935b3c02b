/** Who is signed in: by which token, and until when. */
import { beforeEach, describe, expect, it } from "vitest";
import {
  bearer,
  claimsOf,
  developer,
  forget,
  isFresh,
  remembered,
  rememberThat,
} from "../../src/lib/account/account";
import { SignInStore } from "../../src/lib/account/sign_in.svelte";
import { deviceName } from "../../src/lib/account/who";
import { endOf } from "../../src/lib/account/ends";

function token(claims: object): string {
  const bytes = new TextEncoder().encode(JSON.stringify(claims));
  const payload = btoa(String.fromCharCode(...bytes))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=/g, "");
  return `e30.${payload}.c2lnbmF0dXJl`;
}
const inAnHour = () => Math.round(Date.now() / 1_000) + 3_600;

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
});

describe("a token", () => {
  it("says whose it is, in any script", () => {
    expect(claimsOf(token({ sub: "ünïcode-学生?>" }))?.sub).toBe("ünïcode-学生?>");
  });

  it("is none if it is not of three parts with a user in it", () => {
    expect(["", "abc", "a.b.c", token({}), token({ sub: 7 })].map(claimsOf)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
  });

  it("is not fresh in its last minute, and always is without an end", () => {
    const at = 1_000_000;
    expect(isFresh(token({ sub: "ada", exp: at / 1_000 + 59 }), at)).toBe(false);
    expect(isFresh(token({ sub: "ada", exp: at / 1_000 + 61 }), at)).toBe(true);
    expect(isFresh(token({ sub: "ada" }), at)).toBe(true);
  });
});

describe("a development user", () => {
  const made: string[] = [];
  const signIn = (user: string): Promise<string> => {
    made.push(token({ sub: user, exp: inAnHour(), jti: made.length }));
    return Promise.resolve(made.at(-1) ?? "");
  };
  beforeEach(() => made.splice(0));

  it("is signed in once for many requests, and after a reload not again", async () => {
    const account = developer("ada", signIn);
    const [first, second] = [await account.tokens.current(), await account.tokens.current()];
    rememberThat(account);
    const reloaded = remembered(signIn);
    expect([second, await reloaded?.tokens.current()]).toEqual([first, first]);
    expect(made).toHaveLength(1);
  });

  it("gets another token when the connection can do nothing with the one it had", async () => {
    const account = developer("ada", signIn);
    const [first, second] = [await account.tokens.next(), await account.tokens.next()];
    expect(second).not.toBe(first);
    expect(await account.tokens.current()).toBe(second);
  });

  it("whose token is from before is signed in anew when the hub will not have it, but only once", async () => {
    await developer("ada", signIn).tokens.current();
    const account = developer("ada", signIn);
    await account.tokens.next();
    expect(account.tokens.drop()).toBe(true);
    await account.tokens.next();
    expect(account.tokens.drop()).toBe(false);
  });

  it("whose sign-in is gone is not asked for it again and again", async () => {
    await developer("ada", signIn).tokens.current();
    const account = developer("ada", () => Promise.reject(new Error("There is no /auth/dev.")));
    await account.tokens.next();
    expect(account.tokens.drop()).toBe(true);
    for (let time = 0; time < 2; time += 1) {
      await expect(account.tokens.next()).rejects.toThrow("/auth/dev");
      expect(account.tokens.drop()).toBe(false);
    }
  });

  it("is forgotten with the token", async () => {
    const account = developer("ada", signIn);
    await account.tokens.current();
    rememberThat(account);
    forget("ada");
    expect(remembered(signIn)).toBeNull();
    expect(localStorage.length).toBe(0);
  });
});

describe("a pasted token", () => {
  it("lasts as long as the tab, and is nowhere else", async () => {
    const pasted = token({ sub: "bea", exp: inAnHour() });
    const account = bearer(pasted);
    if (account === null) throw new Error("It is a token.");
    rememberThat(account);
    await account.tokens.current();
    expect([localStorage.length, sessionStorage.length]).toEqual([0, 1]);
    expect(remembered(() => Promise.reject(new Error("It needs no other.")))?.user).toBe("bea");
  });
});

describe("on a machine whose clock is hours ahead", () => {
  const expired = token({ sub: "bea", exp: inAnHour() - 7_200 });

  it("a pasted token is for the hub to judge, also after a reload", async () => {
    const account = bearer(expired);
    if (account === null) throw new Error("It is a token.");
    rememberThat(account);
    await account.tokens.current();
    const reloaded = remembered(() => Promise.reject(new Error("It needs no other.")));
    expect(await reloaded?.tokens.current()).toBe(expired);
  });

  it("a token that has just come is used, and not another asked for with each request", async () => {
    let asked = 0;
    const { tokens } = developer("bea", () => Promise.resolve(`${expired}${++asked}`));
    expect(await tokens.current()).toBe(await tokens.current());
    expect(asked).toBe(1);
  });
});

describe("a device's name", () => {
  const agents: [string, string][] = [
    [
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
      "Chromium on Linux",
    ],
    [
      "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15",
      "Safari on macOS",
    ],
    [
      "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
      "Edge on Windows",
    ],
    ["Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "Firefox on Android"],
    [
      "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) CriOS/140.0 Mobile Safari/604.1",
      "Chromium on iPhone",
    ],
    ["curl/8", "Browser"],
  ];
  it.each(agents)("of %s is %s", (agent, name) => expect(deviceName(agent)).toBe(name));
});

it("asks for a sign-in when the token is the trouble, and says so when it is something else", () => {
  expect([4501, 4507, 4508, 4505, 4500].map(endOf)).toEqual([
    "sign_in",
    "sign_in",
    "erased",
    "crowded",
    "other",
  ]);
});

describe("the sign-in", () => {
  it("can be sent again after a fault of its own", async () => {
    const fault = new TypeError("a fault of ours");
    const signIn = () => Promise.reject(fault);
    const form = new SignInStore({ signIn, signInWith: () => Promise.resolve(true) }, "ada", false);
    await expect(form.submit()).rejects.toBe(fault);
    expect(form.isBusy).toBe(false);
  });
});
