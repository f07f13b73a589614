// One person's chats as the page knows them: loaded once, then kept true by events. Dispatches what changed.

import * as api from "./api.js";

export class Conversation extends EventTarget {
  /** `user` is {id, first_name, language_code}. */
  constructor(user) {
    super();
    this.user = user;
    this.bot = null;
    this._commands = new Map();
    this.groups = [];
    this.replyKeyboards = new Map();
    this.isLost = false;
    this.unread = 0;
    this._chats = new Map(); // chat id → Map(message id → Message)
    this._stream = null;
  }

  /** Load the private chat; then listen if `isLive`. */
  async open() {
    const state = await this._load();
    this._stream ??= api.follow(this.user.id, state.seq, {
      onEvent: (event) => this._take(event),
      onLost: () => this._setLost(true),
      onReturn: () => this._reload(),
    });
    return state;
  }

  /** Go on after `close()`; what happened meanwhile is loaded. */
  async wake() {
    await this.open().catch(() => setTimeout(() => this.wake(), 1000));
    await this._reload();
  }

  close() {
    this._stream?.close();
    this._stream = null;
  }

  get isLive() {
    return this._stream !== null;
  }

  /** Messages of a chat, oldest first. */
  messages(chatId = this.user.id) {
    return [...(this._chats.get(chatId)?.values() ?? [])].sort((a, b) => a.message_id - b.message_id);
  }

  message(chatId, messageId) {
    return this._chats.get(chatId)?.get(messageId);
  }

  /** The commands that this person sees in a chat: in their language, else the default ones. */
  commandsIn(chatId = this.user.id) {
    const all = this._commands.get(chatId) ?? {};
    const own = all[this.user.language_code];
    return own?.length ? own : (all.default ?? []);
  }

  async openChat(chatId) {
    if (chatId !== this.user.id && !this._chats.has(chatId)) await this._load(chatId);
  }

  /** Take in messages that an answer brought; the event for them may come earlier or later. */
  add(messages) {
    for (const message of messages) this._put(message, false);
  }

  async _load(chatId) {
    const state = await api.state({ user_id: this.user.id, chat_id: chatId });
    this.bot = state.bot;
    this._commands.set(chatId ?? this.user.id, state.bot.commands);
    this.groups = state.groups ?? [];
    if (!chatId) this.replyKeyboards.set(this.user.id, state.reply_keyboard ?? null);
    this._chats.set(chatId ?? this.user.id, new Map(state.messages.map((message) => [message.message_id, message])));
    this._tell("changed", { chatId: chatId ?? this.user.id });
    return state;
  }

  async _reload() {
    this._setLost(false);
    await Promise.all([...this._chats.keys()].map((id) => this._load(id === this.user.id ? undefined : id))).catch(() => this._setLost(true));
  }

  _setLost(isLost) {
    this.isLost = isLost;
    this._tell("connection", {});
  }

  _put(message, isEdit) {
    const chat = this._chats.get(message.chat.id) ?? new Map();
    this._chats.set(message.chat.id, chat);
    const known = chat.get(message.message_id);
    if (known && !isEdit) return;
    // An edit that was overtaken by a deletion must not bring the message back.
    if (isEdit && !known) return;
    chat.set(message.message_id, known?.shownReaction ? { ...message, shownReaction: known.shownReaction } : message);
    this._tell("changed", { chatId: message.chat.id, message, isEdit });
  }

  _take(event) {
    const chatId = event.chat_id ?? event.message?.chat.id ?? this.user.id;
    switch (event.type) {
      case "message":
        if ("reply_keyboard" in event) this.replyKeyboards.set(chatId, event.reply_keyboard.remove_keyboard ? null : event.reply_keyboard);
        this._put(event.message, false);
        this._tell("arrived", { chatId, message: event.message });
        break;
      case "edited":
        this._put(event.message, true);
        break;
      case "deleted":
        if (this._chats.get(chatId)?.delete(event.message_id)) this._tell("changed", { chatId });
        break;
      case "reaction": {
        const message = this.message(chatId, event.message_id);
        if (!message) break;
        this._put({ ...message, shownReaction: event.reaction.map((each) => each.emoji ?? "★").join("") || undefined }, true);
        break;
      }
      case "commands":
        this._commands.set(chatId, event.commands);
        this._tell("commands", { chatId });
        break;
      case "user":
        this._tell("user", { user: event.user });
        break;
      default: // chat_action, callback_answer
        this._tell(event.type, { ...event, chatId });
    }
  }

  _tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
