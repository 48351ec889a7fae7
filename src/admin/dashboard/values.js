/** Ways to look at a value: as text, as JSON, as bytes. */

const HEX_ROW_BYTES = 16;

export function decodeBase64(text) {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** The value as text, or null when it is not UTF-8 text. */
function asText(bytes) {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return /[\x00-\x08\x0e-\x1f]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

function asJson(text) {
  if (text === null || !/^\s*[[{"]/.test(text)) return null;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return null;
  }
}

function asHex(bytes) {
  const rows = [];
  for (let at = 0; at < bytes.length; at += HEX_ROW_BYTES) {
    const row = bytes.subarray(at, at + HEX_ROW_BYTES);
    const hex = Array.from(row, (byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const text = Array.from(row, (byte) =>
      byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·",
    ).join("");
    rows.push(`${at.toString(16).padStart(6, "0")}  ${hex.padEnd(HEX_ROW_BYTES * 3)} ${text}`);
  }
  return rows.join("\n");
}

/** The views a value has, the most readable first. */
export function viewsOf(bytes) {
  const text = asText(bytes);
  const json = asJson(text);
  const views = [];
  if (json !== null) views.push(["JSON", json]);
  if (text !== null) views.push(["Text", text]);
  views.push(["Hex", asHex(bytes)]);
  return views;
}
