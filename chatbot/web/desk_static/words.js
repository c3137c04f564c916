// What the server put into the page: its words, and where the product lives below the shop's site.

const start = JSON.parse(document.getElementById("desk-start").textContent);

// Taken before any change of the address: the views lie at different depths.
export const root = new URL(start.root, location.href);
export const sources = start.sources;
export const languages = start.languages;

export function t(name, values = {}) {
  return (start.words[name] ?? name).replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

// "1 question", "3 questions".
export function many(name, n, values = {}) {
  return t(`${name}.${n === 1 ? "one" : "many"}`, { n: number(n), ...values });
}

export function number(n) {
  return Number(n).toLocaleString(navigator.language);
}

// Probabilities and similarities are read as agents say them: 0.41.
export function share(value) {
  return value === null || value === undefined ? "–" : Number(value).toFixed(2);
}

export function percent(value, digits = 0) {
  const style = { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits };
  return Number(value).toLocaleString(navigator.language, style);
}

const STEPS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

export function ago(at) {
  const seconds = (Date.now() - new Date(at)) / 1000;
  const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto", style: "short" });
  for (const [unit, length] of STEPS) {
    if (seconds >= length) return relative.format(-Math.floor(seconds / length), unit);
  }
  return t("just.now");
}

export function moment(at) {
  return at ? new Date(at).toLocaleString(navigator.language, { dateStyle: "medium", timeStyle: "short" }) : "–";
}

export function clock(at) {
  return new Date(at).toLocaleTimeString(navigator.language, { hour: "2-digit", minute: "2-digit" });
}
