// One person's chat as a column: header, thread, composer, and the deeds between them.

import * as api from "./api.js";
import { Composer } from "./composer.js";
import { avatar, h, icon, iconButton, ring } from "./dom.js";
import { acceptDrops } from "./drop.js";
import { fileOf, pendingCard } from "./media.js";
import { alertBox, copyText, openJson, openMenu, toast } from "./overlays.js";
import { fileUrl } from "./api.js";
import { Thread } from "./thread.js";
import { wordsOf } from "./words.js";

const ACTION_LASTS_MS = 5200; // the Bot API: five seconds, or until a message comes

export class Column {
  /** `frame`: {onUserSwitch(), onClose(column), canClose()}; `chatId` is a group's id or the user's own. */
  constructor(conversation, chatId, frame) {
    this.conversation = conversation;
    this.chatId = chatId;
    this.user = conversation.user;
    this.say = wordsOf(this.user.language_code);
    this._frame = frame;
    this._place = { user_id: this.user.id, ...(chatId === this.user.id ? {} : { chat_id: chatId }) };
    this._waitingAnswers = new Map(); // callback query id → resolve
    this._earlyAnswers = new Map();
    this._listeners = new AbortController();
    this._toasts = h("div.toasts", { role: "status", "aria-live": "polite" });
    this._act = this._deeds();
    this.thread = new Thread(
      { say: this.say, userId: this.user.id, isGroup: this._isGroup, act: this._act },
      { emptyNode: () => this._emptyNode(), onMenu: (messageId, point) => this._openMessageMenu(messageId, point) },
    );
    this.composer = new Composer(conversation, this._place, this.say, this._toasts, {
      sendText: (text, replyTo) => this._sendText(text, replyTo),
      sendFiles: (parts, caption, replyTo) => this._sendFiles(parts, caption, replyTo),
      editText: (message, text) => api.editText(this._place, message.message_id, text),
      lastOwn: () => this._messages.findLast((message) => message.from?.id === this.user.id && message.text),
    });
    this.node = h(
      "section.column",
      { lang: this.say.language, "aria-label": this.user.first_name, dataset: { userId: this.user.id } },
      this._head(), this.thread.node, this.composer.node, this._toasts,
    ); // prettier-ignore
    acceptDrops(this.node, this.say, (files, way) => this.composer.addFiles(files, way));
    this._listen();
    this.render();
    this.composer.showKeyboard(conversation.replyKeyboards.get(chatId));
  }

  get _isGroup() {
    return this.chatId !== this.user.id;
  }

  get _messages() {
    return this.conversation.messages(this.chatId);
  }

  destroy() {
    this._listeners.abort();
    clearTimeout(this._actionTimer);
    this.node.remove();
  }

  render() {
    this.thread.show(this._messages);
  }

  // ---- what is seen

  _head() {
    const group = this.conversation.groups.find((each) => each.id === this.chatId);
    const { bot } = this.conversation;
    this._status = h("div.head-status", { role: "status" });
    const me = h(
      "button.as-user",
      { type: "button", title: this.say("switchUser"), "aria-label": `${this.say("as", { name: this.user.first_name })}. ${this.say("switchUser")}`, onclick: () => this._frame.onUserSwitch() },
      avatar(this.user), h("span.as-user-name", {}, this.user.first_name), icon("down"),
    ); // prettier-ignore
    const close = iconButton("close", this.say("close"), { className: "icon-button close-column", onclick: () => this._frame.onClose(this) });
    this._close = close;
    this._showStatus();
    return h(
      "header.head",
      {},
      group ? avatar(group) : avatar(bot, { isBot: true }),
      h("div.head-text", {}, h("div.head-name", {}, h("span", {}, group ? group.title : bot.first_name), !group && h("span.bot-tag", {}, this.say("bot")), h("span.badge", { title: this.say("badge") }, this.say("badgeShort"))), this._status),
      me,
      close,
    );
  }

  showClosable(isClosable) {
    this._close.hidden = !isClosable;
  }

  _showStatus(action) {
    const { isLost, groups, bot } = this.conversation;
    const group = groups.find((each) => each.id === this.chatId);
    this._status.className = `head-status${isLost ? " lost" : action ? " busy" : ""}`;
    const dots = h("span.dots", { "aria-hidden": "true" }, h("i"), h("i"), h("i"));
    if (isLost) this._status.replaceChildren(this.say("lost"), dots);
    else if (action) this._status.replaceChildren(this.say(action), dots);
    else this._status.replaceChildren(group ? this.say("members", { count: group.member_ids.length + 1 }) : `@${bot.username}`);
  }

  _emptyNode() {
    const { bot } = this.conversation;
    return h(
      "div.empty",
      {},
      h("img", { src: "/static/mark.svg", alt: "" }),
      h("h2", {}, this.say("emptyTitle")),
      h("p", {}, bot.description || this.say("emptyText")),
      h("button.primary-button", { type: "button", onclick: () => this._act.command("/start") }, this.say("start")),
    );
  }

  _listen() {
    const { signal } = this._listeners;
    const on = (name, handle) =>
      this.conversation.addEventListener(name, ({ detail }) => (detail.chatId ?? this.chatId) === this.chatId && handle(detail), { signal });
    on("changed", () => this._scheduleRender());
    on("connection", () => this._showStatus());
    on("arrived", ({ message }) => {
      const isOwn = message.from?.id === this.user.id;
      if (!isOwn) this._showAction(null);
      this.thread.noteArrival(isOwn);
      this.composer.showKeyboard(this.conversation.replyKeyboards.get(this.chatId));
    });
    on("chat_action", ({ action }) => this._showAction(action));
    this.conversation.addEventListener("callback_answer", ({ detail }) => this._takeAnswer(detail), { signal });
  }

  /** Many events in one frame (a burst of edits, a reload) make one rendering. A hidden page renders too, only later. */
  _scheduleRender() {
    if (this._isScheduled) return;
    this._isScheduled = true;
    queueMicrotask(() => {
      this._isScheduled = false;
      if (!this._listeners.signal.aborted) this.render();
    });
  }

  _showAction(action) {
    clearTimeout(this._actionTimer);
    this._showStatus(action);
    if (action) this._actionTimer = setTimeout(() => this._showStatus(), ACTION_LASTS_MS);
  }

  // ---- what is done

  _toast(text) {
    toast(text, this._toasts);
  }

  async _sendText(text, replyTo) {
    this.conversation.add([await api.sendText(this._place, text, replyTo)]);
  }

  async _sendFiles(parts, caption, replyTo) {
    // One after the other, so that they stand in the chat in the order they were chosen.
    for (const [index, part] of parts.entries()) await this._upload(part, index === 0 ? caption : "", replyTo);
  }

  _upload({ files, kind }, caption, replyTo) {
    return new Promise((settle) => {
      const name = files.length > 1 ? `${files[0].name} + ${files.length - 1}` : files[0].name;
      const bytes = files.reduce((sum, file) => sum + file.size, 0);
      let transfer;
      const card = pendingCard(name, bytes, this.say, ring(), { onCancel: () => (row.classList.contains("failed") ? remove() : transfer.cancel()) });
      const row = h("div.row.out.first.last.pending", {}, h("div.stack", {}, h("div.bubble.tailed", {}, card.node)));
      const remove = this.thread.addPending(row);
      const start = async () => {
        card.update(0);
        transfer = api.sendFiles(this._place, files, { kind, caption, replyTo, onProgress: card.update });
        try {
          const messages = await transfer.done;
          remove();
          this.conversation.add(messages);
        } catch (error) {
          if (error.name !== "AbortError") return failed(error);
          remove();
        }
        settle();
      };
      const failed = (error) => {
        const reason = error.message === "network" ? this.say("network") : error.message;
        const retry = iconButton("retry", this.say("retry"), { className: "card-get", onclick: () => (row.classList.remove("failed"), retry.remove(), start()) });
        row.classList.add("failed");
        card.node.append(retry);
        card.node.querySelector(".card-facts").textContent = this.say("failed", { reason });
        settle(); // the others need not wait for it
      };
      start();
    });
  }

  _deeds() {
    const failing = (promise) => promise.catch((error) => this._toast(error.message));
    return {
      press: (message, data) => failing(this._press(message, data)),
      command: (text) => failing(this._sendText(text)),
      copy: (text) => failing(copyText(text, this.say, this._toasts)),
      notHere: () => this._toast(this.say("notHere")),
      inlineHere: (query) => this.composer.insert(`@${this.conversation.bot.username} ${query}`),
      quoteClick: (quoted) => this.thread.flash(quoted.message_id) || this._toast(this.say("deleted")),
    };
  }

  /** Resolves when the bot has answered, which may be before we know our query's id. */
  async _press(message, data) {
    const { callback_query_id: id } = await api.press(this._place, message.message_id, data);
    const early = this._earlyAnswers.get(id);
    if (early) return this._showAnswer(early);
    const answer = await new Promise((resolve) => this._waitingAnswers.set(id, resolve));
    this._showAnswer(answer);
  }

  _takeAnswer(answer) {
    const resolve = this._waitingAnswers.get(answer.callback_query_id);
    this._waitingAnswers.delete(answer.callback_query_id);
    if (resolve) resolve(answer);
    else this._earlyAnswers.set(answer.callback_query_id, answer);
  }

  _showAnswer({ text, show_alert: isAlert, url }) {
    if (text && isAlert) alertBox(this.conversation.bot.first_name, text, this.say);
    else if (text) this._toast(text);
    if (url && /^https?:/i.test(url)) {
      open(url, "_blank", "noopener,noreferrer");
      this._toast(this.say("openLink"));
    }
  }

  _openMessageMenu(messageId, point) {
    const message = this.conversation.message(this.chatId, messageId);
    if (!message) return;
    const { say } = this;
    const text = message.text ?? message.caption;
    const file = fileOf(message);
    const isOwn = message.from?.id === this.user.id;
    const failing = (promise) => promise.catch((error) => this._toast(error.message));
    const items = [
      { icon: "reply", text: say("reply"), run: () => this.composer.reply(message) },
      text && { icon: "copy", text: say("copy"), run: () => this._act.copy(text) },
      isOwn && text && !message.forward_origin && { icon: "edit", text: say("edit"), run: () => this.composer.edit(message) },
      { icon: "forward", text: say("forward"), run: () => failing(api.forward(this._place, messageId).then((sent) => this.conversation.add([sent]))) },
      file && { icon: "download", text: say("download"), href: fileUrl(file.file_id), download: file.file_name ?? "" },
      { icon: "braces", text: say("json"), run: () => openJson(say("json"), message, say) },
      "line",
      { icon: "trash", text: say("delete"), danger: true, run: () => failing(api.deleteMessage(this._place, messageId)) },
    ];
    openMenu(items.filter(Boolean), { ...point, label: say("actions") });
  }
}
