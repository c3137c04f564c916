// What changed between two wordings, word by word; Chinese by character.

import { make } from "./make.js";
import { plain } from "./spoken.js";
import { t } from "./words.js";

const PIECE = /[\u3400-\u9fff]|\s+|[^\s\u3400-\u9fff]+/gu;
const MOST = 1_500; // pieces; beyond it both stand as a whole, for the table of the comparison grows with the square

export function diff(before, after) {
  const shown = make("p", { class: "diff", dir: "auto" });
  for (const [kind, words] of pieces(plain(before), plain(after))) {
    if (kind === "same") shown.append(words);
    else {
      const told = make("span", { class: "sr" }, t(`diff.${kind}`));
      shown.append(make(kind === "added" ? "ins" : "del", {}, told, words));
    }
  }
  return shown;
}

export function pieces(before, after) {
  const [old, fresh] = [before.match(PIECE) ?? [], after.match(PIECE) ?? []];
  if (old.length > MOST || fresh.length > MOST)
    return [
      ["removed", before],
      ["added", after],
    ];
  const common = table(old, fresh);
  const found = [];
  const add = (kind, words) => (found.at(-1)?.[0] === kind ? (found.at(-1)[1] += words) : found.push([kind, words]));
  let [i, j] = [0, 0];
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j]) (add("same", old[i]), (i += 1), (j += 1));
    else if (i < old.length && (j === fresh.length || common[i + 1][j] >= common[i][j + 1]))
      (add("removed", old[i]), (i += 1));
    else (add("added", fresh[j]), (j += 1));
  }
  return found;
}

// Lengths of the longest common rest from (i, j) on.
function table(old, fresh) {
  const rows = Array.from({ length: old.length + 1 }, () => new Uint16Array(fresh.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = fresh.length - 1; j >= 0; j -= 1) {
      rows[i][j] = old[i] === fresh[j] ? rows[i + 1][j + 1] + 1 : Math.max(rows[i + 1][j], rows[i][j + 1]);
    }
  }
  return rows;
}
