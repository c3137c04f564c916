// One listener for all keys. They rest while somebody types, while a dialog is open, and with Ctrl, Alt or Meta held.

const WRITES = new Set(["text", "search", "password", "date", "number", "email"]);

export function isTyping(target) {
  if (!(target instanceof Element)) return false;
  if (target.closest("textarea, select, [contenteditable]")) return true;
  return target instanceof HTMLInputElement && WRITES.has(target.type);
}

export class Keys {
  constructor() {
    this.layers = [{}, {}]; // of the whole page, and of the view
    document.addEventListener("keydown", (event) => this.press(event));
  }

  page(does) {
    this.layers[0] = does;
  }

  view(does) {
    this.layers[1] = does;
  }

  press(event) {
    if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    // Enter and Space belong to whatever button has the focus.
    if (["Enter", " "].includes(event.key) && event.target.closest?.("button, a, summary, input")) return;
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const does = this.layers[1][name] ?? this.layers[0][name];
    if (!does) return;
    event.preventDefault();
    // A key held down may move, and must never decide.
    if (event.repeat && !does.repeats) return;
    does(event);
  }
}

export function repeating(does) {
  return Object.assign((event) => does(event), { repeats: true });
}
