/** Numbers as people say them, for sentences: 212 k, 3.4 GB, 40 s. */

const STEPS = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** Three significant digits. */
function short(value: number): string {
  return Number(value.toPrecision(3)).toString();
}

/** 212345 → "212 k". */
export function countText(value: number): string {
  if (value < 0.05) return "0";
  if (value < 10) return String(Number(value.toFixed(1)));
  for (const [step, unit] of STEPS) if (value >= step) return `${short(value / step)} ${unit}`;
  return short(value);
}

const BYTE_UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const;

/** 3565158 → "3.4 MiB". */
export function bytesText(value: number): string {
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < BYTE_UNITS.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${short(rest)} ${BYTE_UNITS[unit]}`;
}

/** 95 → "95 s", 7200 → "2 h". */
export function secondsText(value: number): string {
  if (value < 120) return `${short(value)} s`;
  if (value < 7200) return `${short(value / 60)} min`;
  if (value < 172_800) return `${short(value / 3600)} h`;
  return `${short(value / 86_400)} days`;
}

/** Microseconds as a person reads a latency: 420 → "0.42 ms". */
export function microsecondsText(value: number): string {
  if (value < 100) return `${short(value)} µs`;
  if (value < 1e6) return `${short(value / 1000)} ms`;
  return `${short(value / 1e6)} s`;
}

/** 0.984 → "98.4 %". */
export function percentText(share: number): string {
  const percent = share * 100;
  const digits = percent > 99 && percent < 100 ? 2 : 1;
  return `${Number(percent.toFixed(digits))} %`;
}

/**
 * A key as text a person can read: UTF-8 where it is valid, every other byte, control characters
 * and direction marks as \xNN. The page inserts it as text, never as markup; this only keeps it on
 * one line and honest.
 */
export function keyText(key: Uint8Array): string {
  const text = Buffer.from(key).toString("utf8");
  const valid = !text.includes("\uFFFD");
  let shown = "";
  for (const char of valid ? text : Buffer.from(key).toString("latin1")) {
    const code = char.codePointAt(0) as number;
    const hidden =
      code < 0x20 ||
      (code >= 0x7f && code < 0xa0) ||
      (!valid && code >= 0x80) ||
      (code >= 0x200b && code <= 0x200f) ||
      (code >= 0x2028 && code <= 0x202e) ||
      (code >= 0x2060 && code <= 0x206f) ||
      code === 0xfeff;
    shown += hidden ? escapeCode(code) : char;
  }
  return shown;
}

function escapeCode(code: number): string {
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, "0")}`
    : `\\u${code.toString(16).padStart(4, "0")}`;
}
