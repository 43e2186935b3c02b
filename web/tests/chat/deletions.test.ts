import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Deletions } from "../../src/lib/chat/deletions.svelte";

describe("deleting a message", () => {
  let said: string[];
  let answer: () => void;
  let deletions: Deletions;

  const held = () => [...deletions.held];

  beforeEach(() => {
    vi.useFakeTimers();
    said = [];
    deletions = new Deletions((message) => {
      said.push(message);
      return new Promise((resolve) => (answer = resolve));
    });
  });
  afterEach(() => vi.useRealTimers());

  it("is said after six seconds, and not before", () => {
    deletions.ask("m1");
    vi.advanceTimersByTime(5_999);
    expect([said, held()]).toEqual([[], ["m1"]]);
    vi.advanceTimersByTime(1);
    expect([said, held()]).toEqual([["m1"], []]);
  });

  it("waits while somebody is at the way back, and then has what was left", () => {
    deletions.ask("m1");
    vi.advanceTimersByTime(4_000);
    deletions.wait("m1");
    vi.advanceTimersByTime(60_000);
    expect([said, held()]).toEqual([[], ["m1"]]);
    deletions.go("m1");
    vi.advanceTimersByTime(1_999);
    expect(said).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(said).toEqual(["m1"]);
  });

  it("is never said once it was undone", async () => {
    deletions.ask("m1");
    deletions.undo("m1");
    vi.advanceTimersByTime(60_000);
    await deletions.finishAll();
    expect([said, held()]).toEqual([[], []]);
  });

  it("is said once, also when it is asked for twice and the conversation is left", async () => {
    deletions.ask("m1");
    deletions.ask("m1");
    let isFinished = false;
    const finished = deletions.finishAll().then(() => (isFinished = true));
    await vi.advanceTimersByTimeAsync(60_000);
    expect([said, isFinished]).toEqual([["m1"], false]);
    answer();
    await finished;
  });
});
