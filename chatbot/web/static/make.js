// Building the page's own elements. Text only ever becomes text: there is no innerHTML in any of these files.

export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "onclick") element.addEventListener("click", value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const SHAPES = {
  up: ["M7 11v9H4v-9z", "M7 11l4-7a2 2 0 0 1 2 2v4h5.2a2 2 0 0 1 2 2.3l-1.2 6A2 2 0 0 1 17 20H7"],
  down: ["M17 13V4h3v9z", "M17 13l-4 7a2 2 0 0 1-2-2v-4H5.8a2 2 0 0 1-2-2.3l1.2-6A2 2 0 0 1 7 4h10"],
  send: ["M12 19V5", "M6 11l6-6 6 6"],
  person: ["M4 13v-1a8 8 0 0 1 16 0v1", "M4 13h3v6H5a1 1 0 0 1-1-1zM20 13h-3v6h2a1 1 0 0 0 1-1z", "M19 19c0 1.5-2 2.5-5 2.5"],
  fresh: ["M12 5v14", "M5 12h14"],
  shield: ["M12 3l7 3v5c0 4.6-2.9 8.3-7 10-4.1-1.7-7-5.4-7-10V6z", "M9 12l2.2 2.2L15.2 10"],
  assistant: ["M5 5h14a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2h-6l-4.5 3.5V17H5a2 2 0 0 1-2-2V7a2 2 0 0 1 2-2z", "M8.5 11h.01M12 11h.01M15.5 11h.01"],
  close: ["M6 6l12 12", "M18 6L6 18"],
  latest: ["M12 5v14", "M6 13l6 6 6-6"],
  warning: ["M12 4l9 16H3z", "M12 10v4M12 17h.01"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  for (const shape of SHAPES[name]) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", shape);
    svg.append(path);
  }
  return svg;
}

export function button(label, { look = "", image = null, onclick, ...rest } = {}) {
  const shown = image && look.includes("bare") ? [] : [make("span", {}, label)];
  const name = shown.length ? null : label;
  return make(
    "button",
    { type: "button", class: look, "aria-label": name, title: name, onclick, ...rest },
    image && icon(image),
    ...shown,
  );
}
