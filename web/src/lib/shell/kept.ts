/** What this browser remembers between visits, or this tab until it is closed; where it may not, it forgets in peace. */
export type Place = "browser" | "tab";

const named = (name: string) => `tutorhub.${name}`;
// Even to look for a storage that is forbidden throws.
const storage = (place: Place) => (place === "browser" ? localStorage : sessionStorage);

export function recall(name: string, place: Place = "browser"): string | null {
  try {
    return storage(place).getItem(named(name));
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null, place: Place = "browser"): void {
  try {
    if (value === null) storage(place).removeItem(named(name));
    else storage(place).setItem(named(name), value);
  } catch {
    // Full or forbidden: it holds for this visit.
  }
}
