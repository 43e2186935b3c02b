/**
 * What a key does, whatever has the focus. A single letter or sign is a shortcut only where nothing is typed into, and
 * only for who wants it so: a voice or a shaking hand says letters that it does not mean.
 */
type Deed = "escape" | "sheet" | "newSession" | "search";

type Press = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "metaKey" | "altKey">;

/** Null: the key is not the page's. */
export function deedOf(press: Press, isTypedInto: boolean, hasSingleKeys: boolean): Deed | null {
  const { ctrlKey, metaKey, altKey } = press;
  const key = latin(press);
  if (altKey) return null;
  if (key === "Escape") return "escape";
  if (ctrlKey || metaKey) {
    if (key === "/") return "sheet";
    return key.toLowerCase() === "k" ? "search" : null;
  }
  if (isTypedInto || !hasSingleKeys) return null;
  if (key === "n") return "newSession";
  return key === "/" ? "search" : null;
}

/** What a key writes; where that is of another script, what it would write in Latin, so that the sheet is true there. */
function latin({ key, code }: Press): string {
  if (/^[ -~]+$/.test(key)) return key;
  return code === "Slash" ? "/" : (/^Key([A-Z])$/.exec(code)?.[1] ?? "").toLowerCase();
}

export function isTypedInto(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("input, textarea, select");
}

type Name =
  | "sheet"
  | "newSession"
  | "search"
  | "escape"
  | "move"
  | "openSession"
  | "rename"
  | "delete"
  | "more"
  | "send"
  | "line";

/** The sheet: what each does, and the keys by any of which it is done. */
export function keysOf(isApple: boolean, hasSingleKeys: boolean): { name: Name; keys: string[] }[] {
  const command = isApple ? "⌘" : "Ctrl";
  const single = (key: string) => (hasSingleKeys ? [key] : []);
  const rows: { name: Name; keys: string[] }[] = [
    { name: "newSession", keys: single("N") },
    { name: "search", keys: [...single("/"), `${command} K`] },
    { name: "escape", keys: ["Esc"] },
    { name: "send", keys: ["↵"] },
    { name: "line", keys: ["⇧ ↵"] },
    { name: "move", keys: ["↑", "↓"] },
    { name: "openSession", keys: ["Enter"] },
    { name: "rename", keys: ["F2"] },
    { name: "delete", keys: ["Del"] },
    { name: "more", keys: ["⇧ F10"] },
    { name: "sheet", keys: [`${command} /`] },
  ];
  return rows.filter((row) => row.keys.length > 0);
}
