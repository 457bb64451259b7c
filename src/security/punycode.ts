const base = 36;
const highestThreshold = 26;
const initialBias = 72;
const firstNonAscii = 0x80;
const digits = "abcdefghijklmnopqrstuvwxyz0123456789";

/** The Punycode form of a text (RFC 3492), without "xn--"; quadratic in the length, so meant for one short label. */
export function punycode(text: string): string {
  const points = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const ascii = points.filter((point) => point < firstNonAscii);
  const others = [...new Set(points)].filter((point) => point >= firstNonAscii).toSorted((a, b) => a - b);
  let output = ascii.length === 0 ? "" : `${String.fromCodePoint(...ascii)}-`;
  let handled = ascii.length;
  let bias = initialBias;
  let delta = 0;
  let next = firstNonAscii;
  for (const other of others) {
    delta += (other - next) * (handled + 1);
    for (const point of points) {
      if (point < other) delta += 1;
      if (point !== other) continue;
      output += variableLengthInteger(delta, bias);
      bias = adaptedBias(delta, handled + 1, handled === ascii.length);
      delta = 0;
      handled += 1;
    }
    delta += 1;
    next = other + 1;
  }
  return output;
}

function variableLengthInteger(value: number, bias: number): string {
  let output = "";
  let rest = value;
  for (let position = base; ; position += base) {
    const threshold = Math.min(Math.max(position - bias, 1), highestThreshold);
    if (rest < threshold) return output + (digits[rest] ?? "");
    rest -= threshold;
    output += digits[threshold + (rest % (base - threshold))] ?? "";
    rest = Math.floor(rest / (base - threshold));
  }
}

function adaptedBias(delta: number, handled: number, isFirst: boolean): number {
  let scaled = Math.floor(delta / (isFirst ? 700 : 2));
  scaled += Math.floor(scaled / handled);
  let bias = 0;
  for (; scaled > 455; bias += base) scaled = Math.floor(scaled / (base - 1));
  return bias + Math.floor((base * scaled) / (scaled + 38));
}
