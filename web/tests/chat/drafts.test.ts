// @vitest-environment node
import "fake-indexeddb/auto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { freshId, openStore, type Draft } from "../../src/lib/client";
import { Drafts, isNewer } from "../../src/lib/chat/drafts";

/** The tabs of one user on one machine. */
class Machine {
  readonly user = freshId();
  readonly #tabs: Drafts[] = [];

  async tab(): Promise<Drafts> {
    const drafts = new Drafts(await openStore(this.user), this.user);
    this.#tabs.push(drafts);
    return drafts;
  }

  close(): void {
    for (const drafts of this.#tabs.splice(0)) drafts.close();
  }
}

/** What a composer shows that follows a session's draft. */
function shown(drafts: Drafts, session: string): { text: string } {
  const composer = { text: "" };
  drafts.follow(session, (draft) => (composer.text = draft.text));
  return composer;
}

describe("drafts", () => {
  const machine = new Machine();
  afterEach(() => machine.close());

  it("come back when one comes back, also after a reload", async () => {
    const session = freshId();
    const before = await machine.tab();
    before.write(session, { text: "How long must" });
    before.close();
    const after = shown(await machine.tab(), session);
    await vi.waitFor(() => expect(after.text).toBe("How long must"));
  });

  it("come back with what hangs on them, and are there as long as anything does", async () => {
    const session = freshId();
    const before = await machine.tab();
    before.write(session, { text: "Look", imageUrl: "/media/1" });
    before.write(session, { text: "", imageUrl: "/media/1" });
    before.close();
    const heard: Draft[] = [];
    const after = await machine.tab();
    after.follow(session, (draft) => heard.push(draft));
    await vi.waitFor(() => expect(heard).toMatchObject([{ text: "", imageUrl: "/media/1", audioUrl: null }]));
    after.write(session, { text: "", imageUrl: null });
    const store = await openStore(machine.user);
    await vi.waitFor(async () => expect(await store.draft(session)).toBeNull());
  });

  it("are of one session each", async () => {
    const [one, other] = [freshId(), freshId()];
    const drafts = await machine.tab();
    drafts.write(one, { text: "one" });
    drafts.write(other, { text: "other" });
    expect([shown(drafts, one).text, shown(drafts, other).text]).toEqual(["one", "other"]);
  });

  it("are gone once they were sent, and no older one comes back", async () => {
    const session = freshId();
    const before = await machine.tab();
    before.write(session, { text: "sent in a moment" });
    before.saveAll();
    before.write(session, { text: "" });
    before.close();
    const store = await openStore(machine.user);
    await vi.waitFor(async () => expect(await store.draft(session)).toBeNull());
  });

  it("are shown in another tab, which goes on from them instead of writing over them", async () => {
    const session = freshId();
    const [left, right] = [await machine.tab(), await machine.tab()];
    const [here, there] = [shown(left, session), shown(right, session)];
    left.write(session, { text: "begun on the left" });
    await vi.waitFor(() => expect(there.text).toBe("begun on the left"));
    right.write(session, { text: "begun on the left, ended on the right" });
    await vi.waitFor(() => expect(here.text).toBe("begun on the left, ended on the right"));
  });

  it("that were kept are gone on from, also by what is typed before they are read", async () => {
    const session = freshId();
    const store = await openStore(machine.user);
    await store.keepDraft(session, { text: "from last year", imageUrl: "/media/1", at: 1 });
    const drafts = await machine.tab();
    const composer = shown(drafts, session);
    drafts.write(session, { text: "typed at once" });
    await vi.waitFor(() => expect(composer.text).toBe("from last year\n\ntyped at once"));
    drafts.saveAll();
    await vi.waitFor(async () =>
      expect(await store.draft(session)).toMatchObject({ text: composer.text, imageUrl: "/media/1" }),
    );
  });

  it("that are older never replace newer ones of another tab", async () => {
    const session = freshId();
    await (await openStore(machine.user)).keepDraft(session, { text: "from last year", at: 1 });
    const [left, right] = [await machine.tab(), await machine.tab()];
    const heard: string[] = [];
    left.write(session, { text: "what is typed now" });
    left.saveAll();
    right.follow(session, ({ text }) => heard.push(text));
    await vi.waitFor(() => expect(heard).toContain("what is typed now"));
    expect(heard.at(-1)).toBe("what is typed now");
  });

  it("are newer by their time, and what is held wins a tie", () => {
    const at = (time: number): Draft => ({ text: "x", at: time });
    expect([isNewer(at(2), at(1)), isNewer(at(1), at(1)), isNewer(at(1), at(2))]).toEqual([
      true,
      false,
      false,
    ]);
    expect(isNewer(at(0), undefined)).toBe(true);
  });
});
