// Filters live in the address bar, so that they survive a reload, go back and forward, and can be sent to a colleague.

import { root } from "./words.js";

export const FILTERS = ["source", "intent", "language", "since", "until", "agent", "version", "status", "q"];

export function filters() {
  const asked = new URLSearchParams(location.search);
  const found = {};
  for (const name of FILTERS) if (asked.get(name)) found[name] = asked.get(name);
  return found;
}

export function asked(name) {
  return new URLSearchParams(location.search).get(name);
}

export function place(view, values = {}) {
  const url = new URL(view === "review" ? "desk" : `desk/${view}`, root);
  for (const [name, value] of Object.entries(values)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

// A step that "back" returns from, or (`quiet`) a correction of the present one.
export function write(view, values, { quiet = false } = {}) {
  const url = place(view, values);
  if (url.href === location.href) return;
  if (quiet) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
}
