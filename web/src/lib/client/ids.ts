/** The names of things, made by whoever creates the thing: so that creating it twice is creating it once. */

/** A fresh UUID. `crypto.randomUUID` is there only where the page came over https or from this machine. */
export function freshId(): string {
  return typeof crypto.randomUUID === "function"
    ? crypto.randomUUID()
    : uuidOf(crypto.getRandomValues(new Uint8Array(16)));
}

/** Sixteen random bytes as a UUID of version 4. */
function uuidOf(bytes: Uint8Array): string {
  const digits = [...bytes].map((byte, index) => {
    if (index === 6) return (byte & 0x0f) | 0x40;
    return index === 8 ? (byte & 0x3f) | 0x80 : byte;
  });
  const hex = digits.map((digit) => digit.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
