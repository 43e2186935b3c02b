import { describe, expect, it } from "vitest";
import { Groups } from "../../src/lib/chat/groups.svelte";
import { Row } from "../../src/lib/chat/row.svelte";

const rows = (from: number, to: number): Row[] =>
  Array.from({ length: to - from + 1 }, (_, index) => new Row(`m${from + index}`));
const ids = (groups: Groups) => groups.shown.map((group) => group.rows.map((row) => row.id));
const sizes = (groups: Groups) => groups.shown.map((group) => group.rows.length);

describe("groups of rows", () => {
  it("hold all rows in their order", () => {
    const groups = new Groups();
    const all = rows(1, 26);
    groups.show(all);
    expect(ids(groups).flat()).toEqual(all.map((row) => row.id));
    expect(sizes(groups)).toEqual([6, 6, 6, 6, 2]);
  });

  it("are in the page at once only where one begins, at the end", () => {
    const groups = new Groups();
    groups.show(rows(1, 26));
    expect(groups.shown.map((group) => group.isNear)).toEqual([false, false, false, true, true]);
  });

  it("stay as they are when a page comes before them", () => {
    const groups = new Groups();
    const late = rows(21, 40);
    groups.show(late);
    const former = groups.shown;
    const members = ids(groups);
    groups.show([...rows(1, 20), ...late]);
    expect(groups.shown.slice(-former.length)).toEqual(former);
    expect(ids(groups).slice(-former.length)).toEqual(members);
    expect(groups.shown[0]?.isNear).toBe(false);
  });

  it("take what comes at the end, and begin another when they are full", () => {
    const groups = new Groups();
    const all = rows(1, 5);
    groups.show(all);
    const [first] = groups.shown;
    groups.show([...all, ...rows(6, 7)]);
    expect(groups.shown[0]).toBe(first);
    expect(sizes(groups)).toEqual([6, 1]);
    expect(groups.shown[1]?.isNear).toBe(true);
  });

  it("keep a row where it is when another comes into their midst", () => {
    const groups = new Groups();
    const all = rows(1, 6);
    groups.show(all);
    const [group] = groups.shown;
    groups.show([...all.slice(0, 5), ...rows(99, 99), ...all.slice(5)]);
    expect(groups.shown).toEqual([group]);
    expect(group?.rows.map((row) => row.id).slice(-3)).toEqual(["m5", "m99", "m6"]);
  });

  it("hold each row once and in order, also when rows change places", () => {
    const groups = new Groups();
    const all = rows(1, 30);
    groups.show(all);
    const mixed = [...all.slice(0, 5), ...all.slice(25), ...all.slice(5, 25)];
    groups.show(mixed);
    expect(ids(groups).flat()).toEqual(mixed.map((row) => row.id));
    expect(new Set(groups.shown.map((group) => group.key)).size).toBe(groups.shown.length);
  });

  it("far from the view take the room that they took, or a guess of it", () => {
    const groups = new Groups();
    groups.show(rows(1, 6));
    const [group] = groups.shown;
    expect(group?.height).toBeGreaterThan(0);
    group?.move(false, 1_234);
    expect(group?.height).toBe(1_234);
    group?.move(false, 0);
    expect([group?.height, group?.isNear]).toEqual([1_234, false]);
    groups.reveal("m5");
    expect(group?.isNear).toBe(true);
  });
});
