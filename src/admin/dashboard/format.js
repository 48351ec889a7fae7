/** Numbers as people read them. */

const STEPS = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];
const BYTE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function short(value) {
  return value >= 100
    ? String(Math.round(value))
    : String(Number(value.toPrecision(value < 1 ? 2 : 3)));
}

/** 212345 → "212 k". */
export function count(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  for (const [step, unit] of STEPS)
    if (value >= step * 0.9995) return `${short(value / step)} ${unit}`;
  return value < 0.05 ? "0" : short(value);
}

/** 3565158 → "3.4 MiB". */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  let unit = 0;
  let rest = value;
  while (rest >= 1024 && unit < BYTE_UNITS.length - 1) {
    rest /= 1024;
    unit++;
  }
  return `${short(rest)} ${BYTE_UNITS[unit]}`;
}

/** 95 → "95 s". */
export function seconds(value) {
  if (value < 1) return "now";
  if (value < 120 && value !== 60) return `${Math.round(value)} s`;
  if (value < 7200 && value !== 3600) return `${short(value / 60)} min`;
  if (value < 172_800 && value !== 86_400) return `${short(value / 3600)} h`;
  return value === 86_400 ? "1 day" : `${short(value / 86_400)} days`;
}

/** How long ago: 95 → "95 s ago". */
export function ago(value) {
  return value < 1 ? "now" : `${seconds(value)} ago`;
}

/** Spans people name: what is known only to half an octave is rounded to one of them. */
const SPANS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 45]
  .flatMap((each) => [each, each * 60])
  .concat([1, 2, 3, 4, 6, 8, 12, 18].map((each) => each * 3600))
  .concat([1, 2, 3, 5, 7, 10, 14, 21, 30, 45, 60, 90, 180].map((each) => each * 86_400));

/** 3444 → "about 1 h". */
export function roughly(value) {
  const near = SPANS.reduce((best, span) =>
    Math.abs(Math.log(span / value)) < Math.abs(Math.log(best / value)) ? span : best,
  );
  return `about ${seconds(near)}`;
}

/** Microseconds: 420 → "0.42 ms". */
export function micros(value) {
  if (!value) return "–";
  if (value < 100) return `${short(value)} µs`;
  if (value < 1e6) return `${short(value / 1000)} ms`;
  return `${short(value / 1e6)} s`;
}

/** 0.984 → "98.4 %". */
export function percent(share, digits = 1) {
  const value = share * 100;
  return `${value >= 99.95 || value === 0 ? Math.round(value) : value.toFixed(value > 99 ? 2 : digits)} %`;
}

/** Unix seconds → "14:03:21". */
export function clock(time, withSeconds = true) {
  const options = { hour: "2-digit", minute: "2-digit", hour12: false };
  if (withSeconds) options.second = "2-digit";
  return new Date(time * 1000).toLocaleTimeString([], options);
}
