// Text with Bot API entities as DOM nodes. Offsets count UTF-16 units, as JavaScript's strings do.

import { h } from "./dom.js";
import { fullTime, moment } from "./format.js";

const SAFE_SCHEME = /^(https?|mailto|tel|tg):/i;

const link = (address, children) =>
  SAFE_SCHEME.test(address)
    ? h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, children)
    : h("span", {}, children);

const reveal = (event) => event.currentTarget.classList.add("open");

/** What to build for an entity; `raw` is its text, `language` the reader's. Unknown kinds stay plain. */
function wrap(entity, children, raw, on, language) {
  switch (entity.type) {
    case "bold": return h("b", {}, children);
    case "italic": return h("i", {}, children);
    case "underline": return h("u", {}, children);
    case "strikethrough": return h("s", {}, children);
    case "code": return h("code", { title: raw, onclick: () => on.copy(raw) }, children);
    case "pre": return h("pre", { dataset: entity.language ? { language: entity.language } : {} }, children);
    case "blockquote": return h("blockquote", {}, children);
    case "expandable_blockquote": return h("blockquote.expandable", { onclick: reveal }, children);
    case "spoiler": return h("span.spoiler", { onclick: reveal }, children);
    case "url": return link(/^[a-z][a-z0-9+.-]*:/i.test(raw) ? raw : `https://${raw}`, children);
    case "text_link": return link(entity.url, children);
    case "email": return link(`mailto:${raw}`, children);
    case "phone_number": return link(`tel:${raw.replace(/[^+\d]/g, "")}`, children);
    case "date_time": return h("time", { title: fullTime(entity.unix_time, language) }, moment(entity.unix_time, entity.date_time_format, language) || children);
    case "bot_command": return h("button.command", { type: "button", onclick: () => on.command(raw) }, children);
    case "mention":
    case "text_mention":
    case "hashtag":
    case "cashtag": return h("span.command", {}, children);
    default: return h("span", {}, children);
  }
}

/** A block ends its line by itself: the newline behind it would make an empty one. */
const afterBlock = (nodes, text) => (/^(PRE|BLOCKQUOTE)$/.test(nodes.at(-1)?.nodeName) ? text.replace(/^\n/, "") : text);

function build(text, from, to, entities, on, language) {
  const nodes = [];
  let at = from;
  let queue = entities;
  while (queue.length) {
    const [entity, ...rest] = queue;
    const start = Math.max(entity.offset, at);
    const end = Math.min(entity.offset + entity.length, to);
    if (end <= start) {
      queue = rest;
      continue;
    }
    if (start > at) nodes.push(afterBlock(nodes, text.slice(at, start)));
    const inner = rest.filter((each) => each.offset < end);
    nodes.push(wrap(entity, build(text, start, end, inner, on, language), text.slice(start, end), on, language));
    at = end;
    queue = rest.filter((each) => each.offset + each.length > end); // what crosses the end goes on behind it
  }
  if (at < to) nodes.push(afterBlock(nodes, text.slice(at, to)));
  return nodes;
}

/** `on.command(text)` and `on.copy(text)` are called for clicks on commands and code. Times are shown in the browser's zone. */
export function textNodes(text, entities = [], on, language) {
  const ordered = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  return build(text, 0, text.length, ordered, on, language);
}

/** One to three emoji and nothing else, which messengers show large. */
export const isJumbo = (text, entities = []) =>
  !entities.length && text.length <= 24 && /^(?:\p{RGI_Emoji}){1,3}$/v.test(text.trim());
