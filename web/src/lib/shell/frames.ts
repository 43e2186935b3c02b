/**
 * However often something changes, it is shown once a frame: a function that, called many times, runs once before the
 * next paint. A page that nobody sees paints nothing, and so does nothing.
 */
interface OncePerFrame {
  (): void;
  cancel(): void;
}

export function oncePerFrame(run: () => void): OncePerFrame {
  let frame: number | null = null;
  const ask = () => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      run();
    });
  };
  const cancel = () => {
    if (frame !== null) cancelAnimationFrame(frame);
    frame = null;
  };
  return Object.assign(ask, { cancel });
}
