// Small pictures of numbers. Each stands beside its numbers in words, so that it hides nothing from anybody.

import { svg } from "./make.js";

export function sparkline(counts, label) {
  const [width, height] = [120, 28];
  const top = Math.max(1, ...counts);
  const step = counts.length > 1 ? (width - 6) / (counts.length - 1) : 0;
  const points = counts.map((n, at) => [3 + at * step, height - 4 - (n / top) * (height - 8)]);
  const [x, y] = points.at(-1) ?? [3, height - 4];
  const line = points.map(([left, above]) => `${left.toFixed(1)},${above.toFixed(1)}`).join(" ");
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, class: "spark", role: "img", "aria-label": label },
    svg("polyline", { points: line }),
    svg("circle", { cx: x, cy: y, r: 2.6 }),
  );
}

// A rate with its 95 % interval on a scale from 0 to `most`.
export function interval({ rate, low, high }, label) {
  const [width, height] = [220, 26];
  const most = Math.max(0.05, high * 1.15);
  const at = (value) => 4 + (value / most) * (width - 8);
  return svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, width, height, class: "interval", role: "img", "aria-label": label },
    svg("line", { x1: 4, x2: width - 4, y1: 13, y2: 13, class: "axis" }),
    svg("rect", { x: at(low), y: 8, width: Math.max(2, at(high) - at(low)), height: 10, rx: 5 }),
    svg("circle", { cx: at(rate), cy: 13, r: 5 }),
  );
}
