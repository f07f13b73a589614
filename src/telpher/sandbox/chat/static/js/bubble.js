// One entry of the thread (a message, or an album) as an element that can be brought up to date part by part.

import { avatar, h, icon } from "./dom.js";
import { isJumbo, textNodes } from "./entities.js";
import { fullTime, time } from "./format.js";
import { inlineKeyboard } from "./keyboards.js";
import { albumNode, isVisual, kindOf, mediaNode, summary } from "./media.js";
import { prefersCalm } from "./overlays.js";

const SERVICE = ["group_chat_created", "new_chat_members", "left_chat_member", "new_chat_title", "pinned_message", "migrate_to_chat_id"];

/** A line in the middle for what no one has said, or null for a message proper. */
export function serviceText(message) {
  const key = SERVICE.find((each) => message[each]);
  if (!key) return null;
  const named = { new_chat_title: message.new_chat_title, group_chat_created: message.chat.title }[key];
  return `${message.from?.first_name ?? ""}: ${key.replaceAll("_", " ")}${named ? ` «${named}»` : ""}`;
}

function originName(origin) {
  return origin.sender_user?.first_name ?? origin.sender_user_name ?? origin.chat?.title ?? origin.sender_chat?.title ?? "?";
}

/**
 * `context`: {say, userId, isGroup, act}, where `act` has the column's deeds: press, command, copy, quoteClick, urlPress, inlineHere.
 */
export class Bubble {
  constructor(messages, context) {
    this.context = context;
    this._signatures = {};
    this._parts = {};
    this.bubble = h("div.bubble");
    this.stack = h("div.stack", {}, this.bubble);
    this.node = h("article.row", { tabIndex: -1, dataset: { messageId: messages[0].message_id } });
    this.update(messages, { isNew: true });
  }

  get message() {
    return this.messages[0];
  }

  /** Show these messages; only parts that differ are built anew, so that nothing flickers. */
  update(messages, { isNew = false } = {}) {
    this.messages = messages;
    const { say, userId, isGroup } = this.context;
    const [message] = messages;
    const captioned = messages.find((each) => each.text || each.caption) ?? message;
    const isOut = message.from?.id === userId;
    if (isNew) {
      this.node.classList.add(isOut ? "out" : "in");
      if (!isOut) this.node.append(h("div.row-avatar", {}, avatar(message.from ?? { id: 0 }, { isBot: message.from?.is_bot })));
      this.node.append(this.stack);
      this.node.setAttribute("aria-label", `${isOut ? say("you") : (message.from?.first_name ?? "")}, ${time(message.date)}`);
    }
    const heightBefore = isNew ? 0 : this.bubble.offsetHeight;
    const text = captioned.text ?? captioned.caption;
    const entities = captioned.entities ?? captioned.caption_entities;
    const isPlain = !message.forward_origin && !message.reply_to_message;
    const isJumboText = Boolean(message.text) && isJumbo(message.text, entities);
    const isBare = isPlain && (isJumboText || (!text && (messages.every(isVisual) || message.sticker || message.video_note || message.dice)));
    this.bubble.classList.toggle("bare", Boolean(isBare));
    this.bubble.classList.toggle("tailed", !isBare && !message.reply_markup?.inline_keyboard);
    const media = messages.map((each) => kindOf(each) && [kindOf(each), each[kindOf(each)]]);
    const changed = [
      this._part("from", isGroup && !isOut ? message.from?.first_name : null, (name) => h("div.from", {}, name)),
      this._part("forward", message.forward_origin ?? null, (origin) => h("div.forwarded", {}, icon("forward"), h("span", {}, `${say("forwardedFrom")} `, h("b", {}, originName(origin))))),
      this._part("quote", message.reply_to_message ? summaryOf(message, say) : null, (quoted) => this._quote(quoted)),
      this._part("media", [media, message.contact, message.location, message.dice, message.poll], () => (messages.length > 1 ? albumNode(messages, say) : mediaNode(message, say))),
      this._part("text", text ? [text, entities] : null, () => {
        return h(`div.text${isJumboText ? ".jumbo" : ""}`, { dir: "auto" }, textNodes(text, entities, this.context.act, this.context.say.language));
      }),
      this._part("reaction", message.shownReaction ?? null, (emoji) => h("div.reaction", {}, emoji)),
      this._part("meta", [message.date, messages.at(-1).edit_date], () => this._meta(message, isOut)),
    ];
    if (changed.some(Boolean)) this._lay();
    this._keys(message);
    if (!isNew && changed.some(Boolean)) this._ease(heightBefore);
  }

  _part(name, value, build) {
    const signature = JSON.stringify(value ?? null);
    if (this._signatures[name] === signature) return false;
    this._signatures[name] = signature;
    this._parts[name] = value == null ? null : build(value);
    return true;
  }

  _lay() {
    const { from, forward, quote, media, text, reaction, meta } = this._parts;
    // The time floats into the last line of the text where there is one, or stands in the last line of a file's card.
    const lastLine = text ?? [...(media?.querySelectorAll?.(".card-facts, .player-time") ?? [])].at(-1);
    lastLine?.append(meta);
    // A caption is as wide as its picture, not the other way round.
    const pictureWidth = media?.querySelector?.(".single")?.style.getPropertyValue("--shown-width");
    this.bubble.classList.toggle("captioned", Boolean(text && pictureWidth));
    if (pictureWidth) this.bubble.style.setProperty("--shown-width", pictureWidth);
    const wanted = [from, forward, quote, media, text, reaction, lastLine ? null : meta].filter(Boolean);
    wanted.forEach((node, index) => {
      if (this.bubble.children[index] !== node) this.bubble.insertBefore(node, this.bubble.children[index] ?? null);
    });
    while (this.bubble.children.length > wanted.length) this.bubble.lastChild.remove();
  }

  _keys(message) {
    const signature = JSON.stringify(message.reply_markup?.inline_keyboard ?? null);
    if (signature === this._signatures.keys) return;
    this._signatures.keys = signature;
    this.keys?.remove();
    this.keys = message.reply_markup?.inline_keyboard ? inlineKeyboard(message, this.context) : null;
    if (this.keys) this.stack.append(this.keys);
  }

  _quote({ name, text }) {
    const { act } = this.context;
    return h("button.quote", { type: "button", onclick: () => act.quoteClick(this.message.reply_to_message) }, h("b", {}, name), h("span", {}, text));
  }

  _meta(message, isOut) {
    const { say } = this.context;
    const isEdited = Boolean(this.messages.at(-1).edit_date);
    return h(
      "span.meta",
      { title: fullTime(message.date, say.language) },
      isEdited && h("span.edited", {}, say("edited")),
      h("time", { dateTime: new Date(message.date * 1000).toISOString() }, time(message.date)),
      isOut && h("span", { role: "img", "aria-label": say("sent") }, icon("check")),
    );
  }

  /** Let the bubble grow or shrink to what it says now. */
  _ease(heightBefore) {
    const height = this.bubble.offsetHeight;
    if (prefersCalm() || !heightBefore || Math.abs(height - heightBefore) < 2) return;
    this.bubble.animate([{ height: `${heightBefore}px`, overflow: "clip" }, { height: `${height}px`, overflow: "clip" }], { duration: 180, easing: "cubic-bezier(.2,.8,.2,1)" });
  }
}

function summaryOf(message, say) {
  const quoted = message.reply_to_message;
  return { name: quoted.from?.first_name ?? "", text: message.quote?.text ?? summary(quoted, say) };
}
