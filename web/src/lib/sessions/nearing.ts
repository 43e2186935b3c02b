/**
 * Does something whenever the end of a list comes near the view, and again while what came does not fill it. Where it
 * says that it was in vain, it is not done again before the reader has moved away from the end and back.
 */
export function nearing(act: () => Promise<boolean>): (end: HTMLElement) => () => void {
  return (end) => {
    let isActing = false;
    const go = async () => {
      if (isActing) return;
      isActing = true;
      const goesOn = await act();
      isActing = false;
      // Looked at anew: what came may have moved the end out of sight, or not far enough.
      if (!goesOn) return;
      watcher.unobserve(end);
      watcher.observe(end);
    };
    const watcher = new IntersectionObserver(
      (seen) => {
        if (seen.at(-1)?.isIntersecting) void go();
      },
      { root: end.parentElement, rootMargin: "400px" },
    );
    watcher.observe(end);
    return () => watcher.disconnect();
  };
}
