/**
 * The rows of a conversation in groups of some twenty-five, of which only those near the view are in the page: the
 * others are empty room as high as they were. So ten thousand messages cost as much as a hundred.
 *
 * A row stays in the group that it came into, and groups are never cut anew, so that a row that is shown is not made
 * again when others come before or after it.
 */
import type { Row } from "./row.svelte";

const SIZE = 25;
/** Pixels, for a group that was never shown. */
const GUESSED = 140;

export class Group {
  readonly key: string;
  rows = $state.raw<Row[]>([]);
  /** It is in the page. */
  isNear = $state(true);
  /** Something in it has the focus, which would be lost with it. */
  isHeld = $state(false);
  #measured = 0;

  constructor(key: string) {
    this.key = key;
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

  /** Rows that are new go to the group before them while that has room; those before all others make groups of their own. */
  #cut(rows: readonly Row[]): [Group, Row[]][] {
    const cut: [Group, Row[]][] = [];
    const begun = new Set<Group>();
    for (const [index, row] of rows.entries()) {
      const [last, members] = cut.at(-1) ?? [];
      const held = this.#of.get(row.id);
      const own = held !== undefined && (held === last || !begun.has(held)) ? held : null;
      const isWithin = last !== undefined && own === null && this.#of.get(rows[index + 1]?.id ?? "") === last;
      if (members !== undefined && (own === last || isWithin || (own === null && members.length < SIZE))) {
        members.push(row);
      } else {
        const group = own ?? new Group(row.id);
        begun.add(group);
        cut.push([group, [row]]);
      }
    }
    return cut;
  }
}
