// Words of strangers: kept from reordering or hiding anything around them, and shown with what is invisible in them.

import { make } from "./make.js";

// Controls, soft hyphen, zero-width and bidirectional signs, fillers, tags. Joiners stay: scripts and emoji need them.
const UNSEEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb]+|[\u{e0000}-\u{e0fff}]+/gu;

export function spoken(text, attributes = {}) {
  const words = make("bdi", { dir: "auto", ...attributes });
  const plain = String(text ?? "").replace(/\r\n?/g, "\n");
  let from = 0;
  for (const found of plain.matchAll(UNSEEN)) {
    words.append(plain.slice(from, found.index), sign(found[0]));
    from = found.index + found[0].length;
  }
  words.append(plain.slice(from));
  return words;
}

function sign(run) {
  const points = Array.from(run, (one) => `U+${one.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}`);
  const more = points.length > 1 ? ` ×${points.length}` : "";
  return make("span", { class: "unseen", title: points.slice(0, 12).join(" ") }, points[0] + more);
}

// For attributes and places that take a plain string only.
export function plain(text) {
  return String(text ?? "").replace(UNSEEN, "\ufffd");
}
