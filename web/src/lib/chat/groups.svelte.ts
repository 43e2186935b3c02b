/**
 * The rows of a conversation in groups of half a dozen, of which only those near the view are in the page: the
 * others are empty room as high as they were. So ten thousand messages cost as much as a hundred.
 *
 * A row stays in the group that it came into, and groups are never cut anew, so that a row that is shown is not made
 * again when others come before or after it.
 */
import type { Row } from "./row.svelte";

const SIZE = 6;
/** So many rows at the end are in the page at once, because that is where one begins. */
const AT_ONCE = 2 * SIZE;
/** Pixels, for a group that was never shown. */
const GUESSED = 140;

export class Group {
  readonly key: number;
  rows = $state.raw<Row[]>([]);
  /** It is in the page. */
  isNear = $state(false);
  /** Something in it has the focus, which would be lost with it. */
  isHeld = $state(false);
  #measured = 0;

  constructor(key: number, isNear: boolean) {
    this.key = key;
    this.isNear = isNear;
  }

  get height(): number {
    return this.#measured || this.rows.length * GUESSED;
  }

  move(isNear: boolean, height: number): void {
    if (this.isNear && !isNear) this.#measured = height;
    this.isNear = isNear;
  }
}

export class Groups {
  shown = $state.raw<Group[]>([]);
  #of = new Map<string, Group>();
  #made = 0;

  show(rows: readonly Row[]): void {
    const cut = this.#cut(rows);
    this.#of = new Map(cut.flatMap(([group, members]) => members.map((row) => [row.id, group])));
    for (const [group, members] of cut) group.rows = members;
    this.shown = cut.map(([group]) => group);
  }

  /** Have a row in the page. */
  reveal(id: string): void {
    const group = this.#of.get(id);
    if (group !== undefined) group.isNear = true;
  }

  /** Rows that are new go to the group before them while that has room, or to the one that they are in the midst of. */
  #cut(rows: readonly Row[]): [Group, Row[]][] {
    const cut: [Group, Row[]][] = [];
    const begun = new Set<Group>();
    for (const [index, row] of rows.entries()) {
      const [last, members = []] = cut.at(-1) ?? [];
      const held = this.#of.get(row.id);
      const isPassed = held !== undefined && held !== last && begun.has(held);
      const isWithin = last !== undefined && this.#of.get(rows[index + 1]?.id ?? "") === last;
      const open = isWithin || members.length < SIZE ? last : undefined;
      const fresh = () => new Group(this.#made++, index >= rows.length - AT_ONCE);
      const group = (isPassed ? undefined : held) ?? open ?? fresh();
      if (group === last) members.push(row);
      else cut.push([group, [row]]);
      begun.add(group);
    }
    return cut;
  }
}
