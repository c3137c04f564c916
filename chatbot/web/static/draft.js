// What was typed and not yet answered: kept for this tab alone, so that an error or a reload costs nobody their words.

const NAME = "chat-draft";

export function keep(text, key = null) {
  try {
    if (text) sessionStorage.setItem(NAME, JSON.stringify({ text, key }));
    else sessionStorage.removeItem(NAME);
  } catch {
    // A browser that keeps nothing still lets its customer chat.
  }
}

export function kept() {
  try {
    const { text, key } = JSON.parse(sessionStorage.getItem(NAME) ?? "{}");
    return { text: text ?? "", key: key ?? null };
  } catch {
    return { text: "", key: null };
  }
}
