// Building the page's own elements. Text only ever becomes text: there is no innerHTML in any of these files.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const SHAPES = {
  accept: ["M5 12.5l4.5 4.5L19 7.5"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  warning: ["M12 4l9 16H3z", "M12 10v4M12 17h.01"],
  lock: ["M6 11h12v9H6z", "M8.5 11V8a3.5 3.5 0 0 1 7 0v3"],
  down: ["M17 13V4h3v9z", "M17 13l-4 7a2 2 0 0 1-2-2v-4H5.8a2 2 0 0 1-2-2.3l1.2-6A2 2 0 0 1 7 4h10"],
  up: ["M7 11v9H4v-9z", "M7 11l4-7a2 2 0 0 1 2 2v4h5.2a2 2 0 0 1 2 2.3l-1.2 6A2 2 0 0 1 17 20H7"],
  search: ["M11 4a7 7 0 1 0 0 14a7 7 0 0 0 0-14z", "M16 16l4.5 4.5"],
  filter: ["M4 6h16", "M7 12h10", "M10 18h4"],
  list: ["M8 6h12M8 12h12M8 18h12", "M4 6h.01M4 12h.01M4 18h.01"],
  undo: ["M9 7H4V2", "M4.5 7A9 9 0 1 1 3.5 14"],
  pen: ["M4 20l1-4L16 5l3 3L8 19z", "M14 7l3 3"],
  help: ["M9.2 9a3 3 0 1 1 4.2 2.8c-.9.4-1.4 1-1.4 2.2", "M12 17.5h.01"],
  person: ["M12 4a4 4 0 1 0 0 8a4 4 0 0 0 0-8z", "M4.5 20a7.5 7.5 0 0 1 15 0"],
  clock: ["M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16z", "M12 8v4.5l3 2"],
};
const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

export function icon(name) {
  const paths = SHAPES[name].map((d) => svg("path", { d }));
  return svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true", class: "icon" }, ...paths);
}

// `key` is the hint of the key that does the same; it is told to screen readers by aria-keyshortcuts.
export function button(label, { look = "", image = null, key = null, bare = false, ...rest } = {}) {
  const shown = bare ? null : make("span", { class: "label" }, label);
  const name = bare ? { "aria-label": label, title: label } : {};
  const hint = key ? make("kbd", { "aria-hidden": "true" }, key) : null;
  const shortcut = key ? { "aria-keyshortcuts": key } : {};
  const attributes = { type: "button", class: `${look}${bare ? " bare" : ""}`.trim(), ...name, ...shortcut, ...rest };
  return make("button", attributes, hint, image && icon(image), shown);
}

let count = 0;

// A label with its field; the field gets the id.
export function field(label, control, note = null) {
  control.id ||= `field-${++count}`;
  const told = note ? make("small", { id: `${control.id}-note` }, note) : null;
  if (told) control.setAttribute("aria-describedby", told.id);
  return make("div", { class: "field" }, make("label", { for: control.id }, label), control, told);
}

export function choice(options, chosen, attributes = {}) {
  const made = options.map(([value, label]) => make("option", { value, selected: value === chosen }, label));
  return make("select", attributes, ...made);
}

export function bar(value) {
  const filled = make("i", {});
  filled.style.width = `${Math.round(Math.max(0, Math.min(1, value ?? 0)) * 100)}%`;
  return make("span", { class: "bar", "aria-hidden": "true" }, filled);
}
