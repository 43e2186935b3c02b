/** Arrows, Home and End move the focus among what a selector finds in a list or menu, as far as it goes. */
export function walking(selector: string): (list: HTMLElement) => () => void {
  return (list) => {
    const walk = (event: KeyboardEvent) => {
      const rows = [...list.querySelectorAll<HTMLElement>(selector)];
      const here = rows.findIndex((row) => row === document.activeElement);
      const there = stepFrom(here, rows.length, event.key);
      if (here < 0 || there === null) return;
      event.preventDefault();
      rows[there]?.focus();
    };
    list.addEventListener("keydown", walk);
    return () => list.removeEventListener("keydown", walk);
  };
}

/** Where a key leads. Null: it is none that moves. */
export function stepFrom(here: number, length: number, key: string): number | null {
  switch (key) {
    case "ArrowDown":
      return Math.min(here + 1, length - 1);
    case "ArrowUp":
      return Math.max(here - 1, 0);
    case "Home":
      return 0;
    case "End":
      return length - 1;
    default:
      return null;
  }
}
