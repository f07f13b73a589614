// Inline keyboards below a message, and reply keyboards below the composer.

import { h, icon } from "./dom.js";

const ANSWER_WAIT_MS = 60_000; // a bot that never answers leaves the spinner for so long, as Telegram's apps do

function inlineKey(button, message, { act }) {
  const text = h("span", {}, button.text);
  const style = ["danger", "success", "primary"].includes(button.style) ? `.${button.style}` : "";
  const key = (properties, mark) => h(`button.key${style}`, { type: "button", title: button.text, ...properties }, text, mark && icon(mark));
  if (button.url && /^(https?|tg):/i.test(button.url))
    return h(`a.key${style}`, { href: button.url, target: "_blank", rel: "noopener noreferrer", title: button.url }, text, icon("link"));
  if (button.copy_text) return key({ onclick: () => act.copy(button.copy_text.text) }, "copy");
  const switched = button.switch_inline_query_current_chat ?? button.switch_inline_query ?? button.switch_inline_query_chosen_chat?.query;
  if (switched !== undefined) return key({ onclick: () => act.inlineHere(switched) }, "forward");
  if (button.callback_data === undefined) return key({ onclick: act.notHere });
  const node = key({
    dataset: { callbackData: button.callback_data },
    onclick: async () => {
      if (node.getAttribute("aria-busy") === "true") return;
      node.setAttribute("aria-busy", "true");
      const timer = setTimeout(rest, ANSWER_WAIT_MS);
      await act.press(message, button.callback_data).finally(() => (clearTimeout(timer), rest()));
    },
  });
  const rest = () => node.removeAttribute("aria-busy");
  node.append(h("i.spinner", { "aria-hidden": "true" }));
  return node;
}

const rows = (keyboard, build) => keyboard.map((row) => h("div.keys-row", {}, row.map(build)));

export const inlineKeyboard = (message, context) =>
  h("div.keys", { role: "group" }, rows(message.reply_markup.inline_keyboard, (button) => inlineKey(button, message, context)));

/** `onChoose(text)` for plain buttons; those that ask for a contact, a place or a web app call `onOther`. */
export function replyKeyboard(markup, { onChoose, onOther }) {
  const build = (button) => {
    const text = typeof button === "string" ? button : button.text;
    const isPlain = typeof button === "string" || Object.keys(button).every((key) => ["text", "style", "icon_custom_emoji_id"].includes(key));
    return h("button.key", { type: "button", onclick: () => (isPlain ? onChoose(text) : onOther()) }, h("span", {}, text));
  };
  return h("div.reply-keys", { role: "group" }, rows(markup.keyboard, build));
}
