/**
 * Which files the hub takes, and how their first bytes give them away: twin of server/inspection/kinds.py. Pure.
 *
 * The hub looks for itself, and has the last word. This is so that nobody waits for a file to be sent that will not
 * be taken.
 */

/** What it is for. */
export type Sense = "image" | "audio";
/** Why a file is not sent. */
export type Refusal = "unsupported_media_type" | "too_large" | "empty";

export const MOST_BYTES = 10_000_000;
/** A little less than the hub's ten minutes: an encoder may add some. */
export const MOST_SECONDS = 590;
/** So many first bytes are enough. */
const HEAD = 64;
/** Of the chooser of files. */
export const TAKEN =
  "image/png,image/jpeg,image/webp,image/gif,audio/webm,audio/ogg,audio/mpeg,audio/mp4,audio/wav,.m4a,.mp3,.wav,.ogg";

const SOUND_BRANDS = new Set("M4A |M4B |mp41|mp42|isom|iso2|iso4|iso5|iso6|dash".split("|"));
const BEGINNINGS: [string, Sense][] = [
  ["\x89PNG\r\n\x1a\n", "image"],
  ["\xff\xd8\xff", "image"],
  ["GIF87a", "image"],
  ["GIF89a", "image"],
  ["OggS", "audio"],
  ["ID3", "audio"],
  ["\xff\xfb", "audio"],
  ["\xff\xfa", "audio"],
  ["\xff\xf3", "audio"],
  ["\xff\xf2", "audio"],
];

/** Null: nothing that is taken. */
export function senseOf(bytes: Uint8Array): Sense | null {
  const head = String.fromCharCode(...bytes.subarray(0, HEAD));
  if (head.startsWith("RIFF"))
    return ({ WEBP: "image", WAVE: "audio" }[head.slice(8, 12)] as Sense | undefined) ?? null;
  if (head.slice(4, 8) === "ftyp") return SOUND_BRANDS.has(head.slice(8, 12)) ? "audio" : null;
  if (head.startsWith("\x1a\x45\xdf\xa3")) return head.includes("webm") ? "audio" : null;
  return BEGINNINGS.find(([beginning]) => head.startsWith(beginning))?.[1] ?? null;
}

export async function lookedAt(file: Blob): Promise<{ sense: Sense } | { refusal: Refusal }> {
  if (file.size === 0) return { refusal: "empty" };
  const sense = senseOf(new Uint8Array(await file.slice(0, HEAD).arrayBuffer()));
  if (sense === null) return { refusal: "unsupported_media_type" };
  return file.size > MOST_BYTES ? { refusal: "too_large" } : { sense };
}
