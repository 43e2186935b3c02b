// @vitest-environment jsdom
// What is asked of a real hub over HTTP, from a page at another address that the hub was told of.

import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { CommandRefused, ConnectionLost, freshId, Rest } from "../../src/lib/client";
import { hasHub, Hub, Provider } from "./hub";

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

function picture(): Blob {
  return new Blob([Uint8Array.from(atob(PIXEL), (letter) => letter.charCodeAt(0))]);
}

vi.setConfig({ testTimeout: 30_000, hookTimeout: 60_000 }); // a database is made, on whatever machine this is

describe.skipIf(!hasHub)("REST (needs the hub's Python: `make .venv/.dev`, or TUTORHUB_PYTHON)", () => {
  const provider = new Provider();
  let hub: Hub;

  beforeAll(async () => {
    hub = new Hub(await provider.listen(), { TUTORHUB_ORIGINS: location.origin });
    await hub.start();
  });

  afterAll(async () => {
    await hub.close();
    provider.close();
  });

  async function signedIn(user: string): Promise<Rest> {
    const { token } = await new Rest(hub.url, async () => "").devSignIn(user);
    return new Rest(hub.url, async () => token);
  }

  it("uploads a picture, says how far it is, and links to it", async () => {
    const rest = await signedIn("ada");
    const parts: number[] = [];
    const id = freshId();
    const media = await rest.upload(picture(), { media: id, onProgress: (part) => parts.push(part) });
    expect(media).toMatchObject({ id, url: `/api/media/${id}`, width: 1, height: 1 });
    expect(parts.at(-1)).toBe(1);
    expect((await rest.upload(picture(), { media: id })).id).toBe(id);
    const links = await rest.links(media.url);
    expect((await fetch(hub.url + links.url)).status).toBe(200);
    await rest.removeMedia(media.id);
    await expect(rest.links(media.url)).rejects.toMatchObject({ problem: { code: "not_found" } });
  });

  it("says why a file is not taken", async () => {
    const refused = (await signedIn("bea")).upload(new Blob(["no picture at all"]));
    await expect(refused).rejects.toBeInstanceOf(CommandRefused);
    await expect(refused).rejects.toMatchObject({ problem: { code: "unsupported_media_type" } });
  });

  it("stops an upload that is aborted, before it began and after", async () => {
    const rest = await signedIn("cleo");
    const before = AbortSignal.abort(new Error("changed my mind"));
    await expect(rest.upload(picture(), { signal: before })).rejects.toThrow("changed my mind");
    const aborting = new AbortController();
    const huge = new Blob([new Uint8Array(9_000_000)]);
    const upload = rest.upload(huge, {
      signal: aborting.signal,
      onProgress: () => aborting.abort(new Error("enough")),
    });
    await expect(upload).rejects.toThrow("enough");
  });

  it("tells a hub that says no from one that says nothing, and from what is no hub", async () => {
    const lost = new Rest("http://127.0.0.1:9", async () => "token");
    await expect(lost.devices()).rejects.toBeInstanceOf(ConnectionLost);
    await expect(lost.upload(picture())).rejects.toBeInstanceOf(ConnectionLost);
    const stranger = new Rest(hub.url, async () => "no token");
    await expect(stranger.devices()).rejects.toMatchObject({ problem: { code: "unauthenticated" } });
    await expect(stranger.upload(picture())).rejects.toMatchObject({ problem: { code: "unauthenticated" } });
  });

  it("signs out: the token is of no more use", async () => {
    const rest = await signedIn("dora");
    expect((await rest.devices()).devices).toEqual([]);
    await rest.signOut();
    await expect(rest.devices()).rejects.toMatchObject({ problem: { code: "unauthenticated" } });
  });

  it("erases the user", async () => {
    const rest = await signedIn("edda");
    await rest.eraseMe();
    await expect(rest.devices()).rejects.toBeInstanceOf(CommandRefused);
  });
});
