// Calls to the server. A lost network is waited for, with a banner: no caller has to do anything about it.

import { root, t } from "./words.js";

const PATIENCE = 20_000; // milliseconds
const WAITS = [1_000, 2_000, 4_000, 8_000, 15_000];

export class Refusal extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export const wire = { onLost: () => {}, onBack: () => {}, onSignedOut: () => {} };
let wake = null;

export function retryNow() {
  wake?.();
}

addEventListener("online", retryNow);

export function address(path, query = {}) {
  const url = new URL(`desk/api/${path}`, root);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

export function get(path, query) {
  return call(address(path, query), { method: "GET" });
}

export function post(path, body = {}) {
  return call(address(path), posted(body));
}

// The page is going away: nobody waits for the answer.
export function leave(path) {
  fetch(address(path), { ...posted({}), keepalive: true }).catch(() => {});
}

export function posted(body) {
  const headers = { "Content-Type": "application/json" };
  return { method: "POST", headers, credentials: "same-origin", body: JSON.stringify(body) };
}

// What makes a call harmless that is sent again. Not crypto.randomUUID: browsers only have it on https.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function call(url, options) {
  for (let attempt = 0; ; attempt += 1) {
    const response = await reach(url, options);
    if (response && ![502, 504].includes(response.status)) {
      if (attempt) wire.onBack();
      return read(response);
    }
    wire.onLost();
    await pause(WAITS[Math.min(attempt, WAITS.length - 1)]);
  }
}

// What early.js asked for, once.
function asked(url) {
  const path = url.href.slice(new URL("desk/api/", root).href.length);
  const answer = window.early?.[path];
  if (answer) delete window.early[path];
  return answer;
}

async function reach(url, options) {
  const early = await asked(url);
  if (early) return early;
  try {
    return await fetch(url, { ...options, redirect: "error", signal: AbortSignal.timeout(PATIENCE) });
  } catch {
    return null;
  }
}

function pause(milliseconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      wake = null;
      resolve();
    }
    wake = done;
  });
}

export async function read(response) {
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  if (response.status === 401) wire.onSignedOut();
  throw new Refusal(response.status, sentence(response, answer));
}

function sentence(response, answer) {
  if (response.status === 401) return t("signed.out");
  if (response.status === 403) return t("error.role");
  if (response.status === 429) return t("error.fast", { seconds: response.headers.get("Retry-After") ?? "10" });
  if (response.status === 503) return t("error.busy");
  if (response.status < 500 && answer?.detail) return answer.detail;
  return [t("error.unexpected"), numberOf(response)].join(" ");
}

// Of the line in the log; as talk.py quotes it.
function numberOf(response) {
  const end = response.headers.get("X-Request-Id")?.replaceAll("-", "").slice(-8) ?? "";
  return end && t("error.number", { number: `${end.slice(0, 4)} ${end.slice(4)}` });
}
