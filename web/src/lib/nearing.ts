/** Does something whenever the end of a list comes near the view, and again while what came does not fill it. */
export function nearing(act: () => Promise<void>): (end: HTMLElement) => () => void {
  return (end) => {
    let isNear = false;
    let isActing = false;
    const go = async () => {
      if (isActing) return;
      isActing = true;
      await act();
      isActing = false;
      // Looked at anew: what came may have moved the end out of sight, or not far enough.
      watcher.unobserve(end);
      watcher.observe(end);
    };
    const watcher = new IntersectionObserver(
      (seen) => {
        isNear = seen.at(-1)?.isIntersecting ?? false;
        if (isNear) void go();
      },
      { root: end.parentElement, rootMargin: "400px" },
    );
    watcher.observe(end);
    return () => watcher.disconnect();
  };
}
