/** The search of the list: what it shows while it asks, and when it is asked in vain. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  CommandRefused,
  ConnectionLost,
  type Problem,
  type SearchHit,
  type SearchPage,
} from "../../src/lib/client";
import { Search } from "../../src/lib/sessions/search.svelte";
import { session } from "../rows";

const PAUSE = 250;
const hit = (id: string): SearchHit => ({ session: session({ id }), message: null, excerpt: id });
const page = (cursor: string | null, ...ids: string[]): SearchPage => ({ hits: ids.map(hit), cursor });
const busy: Problem = { type: "", title: "", status: 503, detail: "Later.", code: "unavailable" };

/** A hub whose answers the test gives, one after the other. */
class Answers {
  readonly asked: [string, string | undefined][] = [];
  readonly next: (SearchPage | Error)[] = [];

  search = (query: string, before?: string): Promise<SearchPage> => {
    this.asked.push([query, before]);
    const answer = this.next.shift();
    if (answer === undefined) return new Promise(() => undefined);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  };
}

describe("a search", () => {
  let hub: Answers;
  let search: Search;
  const ids = () => search.hits.map((each) => each.session.id);
  const ask = async (query: string) => {
    search.ask(query);
    await vi.advanceTimersByTimeAsync(PAUSE);
  };

  beforeEach(() => {
    vi.useFakeTimers();
    hub = new Answers();
    search = new Search(hub);
  });
  afterEach(() => vi.useRealTimers());

  it("without a connection has failed, throws nothing, and is asked again when there is one", async () => {
    hub.next.push(new ConnectionLost("There is no connection."), page(null, "a"));
    await ask("pho");
    expect(search.phase).toBe("failed");
    search.again();
    await vi.advanceTimersByTimeAsync(0);
    expect([search.phase, ids()]).toEqual(["done", ["a"]]);
  });

  it("whose next page fails keeps what it has, and goes on from there", async () => {
    hub.next.push(page("2", "a"), new CommandRefused(busy), page(null, "b"));
    await ask("pho");
    await search.more();
    expect([search.phase, ids(), search.hasMore]).toEqual(["failed", ["a"], true]);
    search.again();
    await vi.advanceTimersByTimeAsync(0);
    expect([search.phase, ids(), search.hasMore]).toEqual(["done", ["a", "b"], false]);
    expect(hub.asked).toEqual([
      ["pho", undefined],
      ["pho", "2"],
      ["pho", "2"],
    ]);
  });

  it("tells by which words its hits were found, while the next are looked for", async () => {
    hub.next.push(page(null, "a"));
    await ask("pho");
    await ask("phoenix");
    expect([search.phase, search.words, ids()]).toEqual(["searching", "pho", ["a"]]);
  });

  it("that has not failed is not asked again", async () => {
    hub.next.push(page(null, "a"));
    await ask("pho");
    search.again();
    expect(hub.asked).toHaveLength(1);
  });
});
