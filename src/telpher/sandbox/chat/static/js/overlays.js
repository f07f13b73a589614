// What lies above the page: toasts, alerts, sheets, menus, the light box.

import { h, icon, iconButton } from "./dom.js";

export const prefersCalm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** A line that goes by itself. `host` holds it: the page's or a column's .toasts. */
export function toast(text, host = document.getElementById("toasts")) {
  const node = h("div.toast", {}, text);
  host.append(node);
  while (host.children.length > 3) host.firstChild.remove();
  setTimeout(() => node.classList.add("going"), Math.min(7000, 2600 + text.length * 45));
  setTimeout(() => node.remove(), Math.min(7000, 2600 + text.length * 45) + 300);
}

/** A modal sheet; resolves nothing, calls `onClose` when it goes. Returns {dialog, body, close}. */
export function sheet(title, say, { isWide = false, role, onClose } = {}) {
  const body = h("div.sheet-body");
  const dialog = h(
    isWide ? "dialog.sheet.wide" : "dialog.sheet",
    { role, "aria-label": title },
    h("header.sheet-head", {}, h("h2", {}, title), iconButton("close", say("close"), { onclick: () => dialog.close() })),
    body,
  );
  dialog.addEventListener("close", () => (dialog.remove(), onClose?.()));
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close()); // the backdrop is the dialog itself
  document.body.append(dialog);
  dialog.showModal();
  return { dialog, body, close: () => dialog.close() };
}

export function alertBox(title, text, say) {
  const { body, close } = sheet(title, say, { role: "alertdialog" });
  const ok = h("button.primary-button", { type: "button", onclick: close }, say("ok"));
  body.append(h("p.alert-text", {}, text), h("div.sheet-buttons", {}, ok));
  ok.focus();
}

/** A small form in a sheet: `fields` is [{name, label, value, options?}]; `onDone(values)` may throw. */
export function form(title, fields, buttonText, say, onDone) {
  const { body, close } = sheet(title, say);
  const inputs = fields.map(({ name, label, value, options }) => {
    const input = options
      ? h("select", { name }, options.map(([key, text]) => h("option", { value: key, selected: key === value }, text)))
      : h("input", { name, value: value ?? "", required: true, maxLength: 64, autocomplete: "off" });
    return [name, input, h("label.field", {}, label, input)];
  });
  const node = h(
    "form",
    {
      onsubmit: async (event) => {
        event.preventDefault();
        await onDone(Object.fromEntries(inputs.map(([name, input]) => [name, input.value.trim()])))
          .then(close, (error) => toast(error.message));
      },
    },
    inputs.map(([, , label]) => label),
    h("div.sheet-buttons", {}, h("button.primary-button", { type: "submit" }, buttonText)),
  ); // prettier-ignore
  body.append(node);
  inputs[0][1].focus();
}

/** A menu at a point or at an element. `items`: {icon, text, run, href?, download?, danger?} or "line". */
export function openMenu(items, { x, y, label, returnTo = document.activeElement }) {
  document.querySelector(".menu")?.remove();
  const node = h("div.menu", { role: "menu", "aria-label": label });
  const close = () => {
    node.remove();
    for (const [name, handler] of watched) removeEventListener(name, handler, true);
    if (document.contains(returnTo)) returnTo.focus({ preventScroll: true });
  };
  const watched = [
    ["pointerdown", (event) => node.contains(event.target) || close()],
    ["resize", close],
    ["wheel", (event) => node.contains(event.target) || close()],
  ];
  for (const item of items) {
    if (item === "line") {
      node.append(h("hr", { role: "separator" }));
      continue;
    }
    const choose = () => (close(), item.run?.());
    const tag = item.href ? "a" : "button";
    const properties = item.href ? { href: item.href, download: item.download } : { type: "button" };
    node.append(h(`${tag}.menu-item${item.danger ? ".danger" : ""}`, { role: "menuitem", tabIndex: -1, onclick: choose, ...properties }, icon(item.icon), item.text));
  }
  node.addEventListener("keydown", (event) => {
    const entries = [...node.querySelectorAll(".menu-item")];
    const at = entries.indexOf(document.activeElement);
    const goal = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (goal !== undefined) entries.at(goal % entries.length).focus();
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.body.append(node);
  const { width, height } = node.getBoundingClientRect();
  node.style.left = `${Math.max(8, Math.min(x, innerWidth - width - 8))}px`;
  node.style.top = `${Math.max(8, y + height + 8 > innerHeight ? Math.max(8, y - height) : y)}px`;
  for (const [name, handler] of watched) addEventListener(name, handler, true);
  node.querySelector(".menu-item").focus({ preventScroll: true });
}

export function openLightbox({ src, isVideo, name, downloadUrl, say }) {
  const shown = isVideo ? h("video", { src, controls: true, autoplay: true, loop: true }) : h("img", { src, alt: name });
  const dialog = h(
    "dialog.lightbox",
    { "aria-label": name, onclick: (event) => event.target === dialog && dialog.close(), onclose: () => dialog.remove() },
    shown,
    h(
      "div.lightbox-bar",
      {},
      h("a.icon-button", { href: downloadUrl, download: "", title: say("download"), "aria-label": say("download") }, icon("download")),
      iconButton("close", say("close"), { onclick: () => dialog.close() }),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
}

/** A value as coloured JSON, for those who write bots. */
export function openJson(title, value, say) {
  const { body } = sheet(title, say, { isWide: true });
  const pre = h("pre.json");
  const pattern = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d+(?:\.\d+)?|true|false|null)/g;
  const text = JSON.stringify(value, null, 2);
  let at = 0;
  for (const match of text.matchAll(pattern)) {
    pre.append(text.slice(at, match.index), h(match[3] ? "span.n" : match[2] ? "span.k" : "span.s", {}, match[1] ?? match[3]), match[2] ?? "");
    at = match.index + match[0].length;
  }
  pre.append(text.slice(at));
  body.append(pre);
}

export async function copyText(text, say, host) {
  await navigator.clipboard.writeText(text);
  toast(say("copied"), host);
}
