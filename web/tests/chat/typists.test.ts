import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Typists } from "../../src/lib/chat/typists.svelte";

const typing = (who: string, name: string, active = true) =>
  ({ type: "typing.changed", session: "s", who, name, active }) as const;

describe("who types on another device", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it("is named until it says that it has ceased", () => {
    const typists = new Typists();
    typists.hear(typing("d2", "Phone"), "d1");
    expect(typists.names).toEqual(["Phone"]);
    typists.hear(typing("d2", "Phone", false), "d1");
    expect(typists.names).toEqual([]);
  });

  it("is believed for six seconds, from the last time it was said", () => {
    const typists = new Typists();
    typists.hear(typing("d2", "Phone"), "d1");
    vi.advanceTimersByTime(4_000);
    typists.hear(typing("d2", "Phone"), "d1");
    vi.advanceTimersByTime(5_999);
    expect(typists.names).toEqual(["Phone"]);
    vi.advanceTimersByTime(1);
    expect(typists.names).toEqual([]);
  });

  it("is neither this device nor the tutor", () => {
    const typists = new Typists();
    typists.hear(typing("d1", "Here"), "d1");
    typists.hear(typing("tutor", "Tutor"), "d1");
    expect(typists.names).toEqual([]);
  });
});
