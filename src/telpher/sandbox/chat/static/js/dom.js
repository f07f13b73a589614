// Builds elements without ever parsing text as markup.

const SVG = "http://www.w3.org/2000/svg";

/** `h("button.key.big", {type: "button", onclick: f, dataset: {…}}, "text", node, [nodes])`. Null children are left out. */
export function h(selector, properties = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.classList.add(...classes);
  for (const [name, value] of Object.entries(properties)) {
    if (value == null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "dataset") Object.assign(element.dataset, value);
    else if (name === "vars") for (const [key, each] of Object.entries(value)) element.style.setProperty(key, each);
    else if (name in element && name !== "role" && !name.startsWith("aria")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child != null && child !== false));
  return element;
}

// 24 × 24 outlines, drawn for this page.
const PATHS = {
  attach: "M20 11.5 12.2 19.3a5 5 0 0 1-7.1-7.1l8.2-8.2a3.4 3.4 0 0 1 4.8 4.8l-8.1 8.1a1.7 1.7 0 0 1-2.4-2.4l7.3-7.3",
  send: "M5 12.5 4 5.2c-.1-.9.8-1.5 1.6-1.1l14 7c.8.4.8 1.5 0 1.9l-14 7c-.8.4-1.7-.3-1.6-1.1l1-6.4Zm0 0h7",
  menu: "M5 7h14M5 12h14M5 17h9", close: "M6.5 6.5l11 11M17.5 6.5l-11 11", check: "M5 12.7l4.6 4.5L19.5 7", clock: "M12 7.5V12l3 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z",
  down: "M6 10l6 6 6-6", download: "M12 4.5v10M7.8 10.8 12 15l4.2-4.2M5.5 19h13", reply: "M10 6.5 4.5 12 10 17.5M5 12h8.5c3.5 0 5.8 2 6 5.5",
  forward: "M14 6.5 19.5 12 14 17.5M19 12h-8.5c-3.5 0-5.8 2-6 5.5", copy: "M9 9h9.5a1 1 0 0 1 1 1v9.5a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1V10a1 1 0 0 1 1-1ZM15.5 9V4.5a1 1 0 0 0-1-1H5a1 1 0 0 0-1 1V14a1 1 0 0 0 1 1h3",
  edit: "M4.5 19.5l.8-4L16 4.8a1.7 1.7 0 0 1 2.4 0l.8.8a1.7 1.7 0 0 1 0 2.4L8.5 18.7l-4 .8ZM14 7l3 3", trash: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.3 10.5l.2 5.5M13.7 10.5l-.2 5.5",
  braces: "M9 4.5c-2.5 0-2.5 1.5-2.5 3.5s0 4-2.5 4c2.5 0 2.5 2 2.5 4s0 3.5 2.5 3.5M15 4.5c2.5 0 2.5 1.5 2.5 3.5s0 4 2.5 4c-2.5 0-2.5 2-2.5 4s0 3.5-2.5 3.5",
  link: "M8 16 16.5 7.5M9.5 7h7.5v7.5", file: "M7 3.5h7l4.5 4.5v12a.5.5 0 0 1-.5.5H7a1 1 0 0 1-1-1v-15a1 1 0 0 1 1-1ZM13.5 3.5V8.5h5", picture: "M5 5h14a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM4 16l4.5-4.5 4 4 2.5-2.5 5 4.5M15.5 9.3h.01",
  album: "M4.5 8.5h11v11h-11zM8 5h11.5v11.5", sound: "M9 17.5V6l10-2v11.5M9 17.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0ZM19 15.5a2.5 2.5 0 1 1-5 0 2.5 2.5 0 0 1 5 0Z", voice: "M12 4a2.5 2.5 0 0 1 2.5 2.5v5a2.5 2.5 0 0 1-5 0v-5A2.5 2.5 0 0 1 12 4ZM6.5 11.5a5.5 5.5 0 0 0 11 0M12 17v3",
  gif: "M5 6h14a1 1 0 0 1 1 1v10a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V7a1 1 0 0 1 1-1ZM10 10.3a2 2 0 1 0 0 3.4V12H9M13 10v4M16 14v-4h2M16 12h1.5", round: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM10 8.8v6.4l5-3.2-5-3.2Z", sticker: "M12 3.5a8.5 8.5 0 1 0 8.5 8.5M12 3.5c0 5 3 8.5 8.5 8.5M12 3.5c5 1.5 7 3.5 8.5 8.5M8.5 13.5c.8 1.5 2 2.3 3.5 2.3",
  play: "M8 5.5v13l10.5-6.5L8 5.5Z", pause: "M8 6h3v12H8zM13.5 6h3v12h-3z", person: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20c.8-4 3.7-5.5 7.5-5.5s6.7 1.5 7.5 5.5", addPerson: "M10 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM3 20c.7-4 3.3-5.5 7-5.5 1.7 0 3.2.3 4.4 1M18 14.5v6M15 17.5h6", group: "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 19.5c.6-3.5 3-5 6.5-5s5.9 1.5 6.5 5M15.5 5a3.3 3.3 0 0 1 0 6.3M18 14.8c2 .7 3.2 2.2 3.6 4.7",
  columns: "M5 5h14a1 1 0 0 1 1 1v12a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1ZM12 5v14", bolt: "M13.5 3 5.5 13.5H11l-1 7.5 8.5-11H13l.5-7Z", sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4", moon: "M20 14.5A8.3 8.3 0 0 1 9.5 4 8.3 8.3 0 1 0 20 14.5Z", half: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM12 3.5v17M12 8h6.5M12 12h8.5M12 16h6.5",
  scissors: "M8.5 8.5 20 18M8.5 15.5 20 6M6.5 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM6.5 19.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z", snail: "M4 18h13.5c2 0 3-1 3-3v-4M20.5 11V8.5M4 18c2-.5 3-2 3-5a5 5 0 1 1 5 5M12 13a1.5 1.5 0 1 0-1.5-1.5", hand: "M7 13V7.5a1.5 1.5 0 0 1 3 0V11M10 10.5v-5a1.5 1.5 0 0 1 3 0V11M13 10.5V6.5a1.5 1.5 0 0 1 3 0V12M16 9.5a1.5 1.5 0 0 1 3 0V15c0 3.5-2 6-6 6-3 0-4.5-1.5-5.5-3.5L5 13c-.8-1.5 1-2.7 2-1.2l1.5 2", cloud: "M7.5 18.5a4 4 0 0 1-.3-8 5 5 0 0 1 9.6-1 4.5 4.5 0 0 1-.3 9h-9ZM4 4l16 16", retry: "M19 12a7 7 0 1 1-2.2-5.1L19 9M19 4.5V9h-4.5", alert: "M12 8v5M12 16.5h.01M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z", smile: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17ZM8.5 14c1.7 2.3 5.3 2.3 7 0M9 9.5h.01M15 9.5h.01",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A ring that fills: its share (0…1) is set as the CSS variable --done, in percent. */
export function ring() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "ring");
  svg.setAttribute("viewBox", "0 0 46 46");
  for (let i = 0; i < 2; i++) {
    const circle = document.createElementNS(SVG, "circle");
    for (const [name, value] of Object.entries({ cx: 23, cy: 23, r: 19, pathLength: 100 })) circle.setAttribute(name, value);
    svg.append(circle);
  }
  return svg;
}

export const iconButton = (name, label, properties = {}) =>
  h("button.icon-button", { type: "button", title: label, "aria-label": label, ...properties }, icon(name));

export function avatar(user, { isBot = false } = {}) {
  if (isBot) return h("div.avatar.bot", { "aria-hidden": "true" }, h("img", { src: "/static/mark.svg", alt: "" }));
  const tone = Math.abs(user.id) % 6;
  return h(`div.avatar.tone-${tone}`, { "aria-hidden": "true" }, [...(user.first_name || user.title || "?")][0].toUpperCase());
}
