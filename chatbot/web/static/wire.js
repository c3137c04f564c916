// Calls to the server. Every call ends in a value or in an error with a sentence; none throws.

const PATIENCE = 20_000; // milliseconds; answers take a blink, so whoever waits this long is better told

export async function call(name, payload, words) {
  let response;
  try {
    response = await fetch(new URL(`gradio_api/run/${name}`, document.baseURI), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      credentials: "same-origin",
      body: JSON.stringify({ data: [payload] }),
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.ok) return (await response.json()).data[0];
  } catch {
    return failure("offline", words);
  }
  const seconds = response.headers.get("Retry-After") ?? "10";
  if (response.status === 429) return failure("too_fast", words, { seconds });
  if (response.status === 413) return failure("malformed", words);
  if (response.status === 503) return failure("busy", words);
  return withNumber(failure([502, 504].includes(response.status) ? "offline" : "unexpected", words), response);
}

// As talk.py quotes an id: its end, in two groups.
function withNumber(failed, response) {
  const end = response.headers.get("X-Request-Id")?.replaceAll("-", "").slice(-8);
  return end ? { error: { ...failed.error, number: `${end.slice(0, 4)} ${end.slice(4)}` } } : failed;
}

export function failure(name, words, values = {}) {
  let sentence = words[`error.${name}`];
  for (const [key, value] of Object.entries(values)) sentence = sentence.replace(`{${key}}`, value);
  return { error: { name, sentence, again: name !== "malformed" } };
}

// A key that makes a repeated request harmless. Not crypto.randomUUID: browsers only have it on https.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
