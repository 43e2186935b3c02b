/** This browser as one of the user's devices: an id that it keeps, and a name by which people know it. */
import { freshId } from "../client";
import { recall, remember } from "../shell/kept";

const browsers: [RegExp, string][] = [
  [/\bEdg(e|A|iOS)?\//, "Edge"],
  [/\b(OPR|Opera)\//, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\b(Firefox|FxiOS)\//, "Firefox"],
  [/\b(Chrome|CriOS|Chromium|HeadlessChrome)\//, "Chromium"],
  [/\bSafari\//, "Safari"],
];
const systems: [RegExp, string][] = [
  [/\biPhone\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bWindows\b/, "Windows"],
  [/\bMac OS X\b/, "macOS"],
  [/\bLinux\b/, "Linux"],
];

/** "Firefox on Android": by what browsers say of themselves, the most particular first. */
export function deviceName(userAgent: string): string {
  const named = (kinds: [RegExp, string][]) => kinds.find(([pattern]) => pattern.test(userAgent))?.[1];
  return [named(browsers) ?? "Browser", named(systems)].filter((part) => part !== undefined).join(" on ");
}

export function whoIsThis(): { id: string; name: string } {
  const id = recall("device") ?? freshId();
  remember("device", id);
  return { id, name: deviceName(navigator.userAgent) };
}
