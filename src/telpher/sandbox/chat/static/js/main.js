// The page: who is there, which chats are shown side by side, and what the address and this browser remember of it.

import * as api from "./api.js";
import { Column } from "./column.js";
import { Conversation } from "./conversation.js";
import { h } from "./dom.js";
import { ignoreOtherDrops } from "./drop.js";
import { armedCount } from "./faults.js";
import { sheet, toast } from "./overlays.js";
import { sideNodes } from "./side.js";
import { wordsOf } from "./words.js";

const COLUMN_MIN_PX = 380;
// A browser opens six connections to one server, and each followed person takes one.
const STREAM_LIMIT = 3;
// A tab that nobody looks at gives its connections back, so that others of the same browser have them.
const SLEEP_AFTER_MS = 20_000;
const RETRY_MS = 1000;

class Frame {
  constructor() {
    this._conversations = new Map(); // user id → Conversation
    this._columns = [];
    this._current = null; // the column that a phone shows, and whose language the side speaks
    this._phoneSheet = null;
    this.armed = 0;
    this._side = document.getElementById("side");
    this._main = document.getElementById("columns");
    this.onArmed = (count) => {
      if (this.armed === count) return;
      this.armed = count;
      this.refresh();
    };
  }

  async start() {
    const { users } = await api.state({});
    await Promise.all(users.map((user) => this._meet(user)));
    const wanted = (new URLSearchParams(location.search).get("users") ?? "").split(",").filter(Boolean);
    const known = wanted.map((each) => each.split(":").map(Number)).filter(([userId]) => this._conversations.has(userId));
    const [first, ...others] = known.length ? known : [[users[0].id]];
    await this.show(first[0], first[1] ?? first[0]);
    for (const [userId, chatId = userId] of others) await this.show(userId, chatId, { isBeside: true });
    this._focus(this._columns[0]);
    this.onArmed(await armedCount());
    document.addEventListener("visibilitychange", () => this._onVisibility());
  }

  // ---- asked by the side

  people() {
    return [...this._conversations.values()].sort((a, b) => a.user.id - b.user.id);
  }

  isShown(userId, chatId) {
    return this._columns.some((column) => column.user.id === userId && column.chatId === chatId);
  }

  canShowBeside() {
    return this._columns.length < Math.max(1, Math.floor(this._main.clientWidth / COLUMN_MIN_PX));
  }

  canHide() {
    return this._columns.length > 1;
  }

  /** Show a chat: alone, or beside the others (again: not any more). */
  async show(userId, chatId, { isBeside = false } = {}) {
    const conversation = this._conversations.get(userId);
    const there = this._columns.find((column) => column.user.id === userId && column.chatId === chatId);
    if (isBeside && there) return this._columns.length > 1 && this._close(there);
    if (!conversation.isLive) await conversation.open();
    await conversation.openChat(chatId);
    const column = there ?? new Column(conversation, chatId, { onUserSwitch: () => this._openPhoneSheet(), onClose: (each) => this._close(each) });
    if (!isBeside || !this.canShowBeside()) for (const other of this._columns.filter((each) => each !== column)) this._drop(other);
    if (!there) {
      this._columns.push(column);
      this._main.append(column.node);
      column.node.addEventListener("focusin", () => this._focus(column));
      column.node.addEventListener("pointerdown", () => this._focus(column));
      column.render();
    }
    if (chatId === userId) conversation.unread = 0;
    this._focus(column);
    column.composer.focus();
    this._remember();
    return undefined;
  }

  async addUser(firstName, languageCode) {
    const user = await api.addUser(firstName, languageCode);
    await this._meet(user);
    await this.show(user.id, user.id, { isBeside: this.canShowBeside() });
  }

  async addGroup(title, memberIds) {
    const group = await api.addGroup(title, memberIds);
    for (const conversation of this.people()) conversation.groups = [...conversation.groups, group];
    await this.show(this._current.user.id, group.id, { isBeside: this.canShowBeside() });
  }

  refresh() {
    if (!this._current) return;
    const say = wordsOf(this._current.user.language_code);
    document.documentElement.lang = say.language;
    document.title = `${this._current.user.first_name} — Telpher · ${say("badge")}`;
    const focused = this._side.contains(document.activeElement) ? [...this._side.querySelectorAll("button")].indexOf(document.activeElement) : -1;
    this._side.replaceChildren(...sideNodes(this, say));
    if (focused >= 0) this._side.querySelectorAll("button")[focused]?.focus();
    this._fillPhoneSheet?.();
    for (const column of this._columns) {
      column.node.classList.toggle("current", column === this._current);
      column.showClosable(this._columns.length > 1);
    }
  }

  // ---- the rest

  async _meet(user) {
    if (this._conversations.has(user.id)) return;
    const conversation = new Conversation(user);
    this._conversations.set(user.id, conversation);
    conversation.addEventListener("user", ({ detail }) => this._meet(detail.user).then(() => this._refreshSoon()));
    conversation.addEventListener("changed", () => this._refreshSoon());
    conversation.addEventListener("arrived", ({ detail }) => {
      if (detail.chatId === user.id && !this.isShown(user.id, user.id) && detail.message.from?.id !== user.id) conversation.unread += 1;
    });
    const liveCount = this.people().filter((each) => each.isLive).length;
    await conversation.open();
    if (liveCount >= STREAM_LIMIT) conversation.close(); // known, but followed only when shown
  }

  _onVisibility() {
    clearTimeout(this._sleepTimer);
    if (document.hidden) {
      this._sleepTimer = setTimeout(() => {
        this._asleep = this.people().filter((each) => each.isLive);
        for (const conversation of this._asleep) conversation.close();
      }, SLEEP_AFTER_MS);
    } else {
      for (const conversation of this._asleep ?? []) conversation.wake();
      this._asleep = [];
    }
  }

  _refreshSoon() {
    clearTimeout(this._refreshTimer);
    this._refreshTimer = setTimeout(() => this.refresh(), 60);
  }

  _focus(column) {
    if (this._current === column) return;
    this._current = column;
    this.refresh();
  }

  _drop(column) {
    this._columns = this._columns.filter((each) => each !== column);
    column.destroy();
    const live = this.people().filter((each) => each.isLive);
    const isIdle = !this._columns.some((each) => each.conversation === column.conversation);
    if (live.length > STREAM_LIMIT && isIdle) column.conversation.close();
  }

  _close(column) {
    this._drop(column);
    this._current = this._columns.includes(this._current) ? this._current : this._columns[0];
    this.refresh();
    this._remember();
  }

  _remember() {
    const address = new URL(location.href);
    const users = this._columns.map(({ user, chatId }) => (chatId === user.id ? user.id : `${user.id}:${chatId}`));
    address.searchParams.set("users", users.join(","));
    history.replaceState(null, "", address.href.replaceAll("%2C", ",").replaceAll("%3A", ":"));
    this.refresh();
  }

  _openPhoneSheet() {
    const say = wordsOf(this._current.user.language_code);
    const { body, close } = sheet(say("switchUser"), say, { onClose: () => (this._fillPhoneSheet = null) });
    this._fillPhoneSheet = () => body.replaceChildren(h("span.badge", {}, say("badge")), ...sideNodes(this, say, { onChosen: close, hasHead: false }));
    this._fillPhoneSheet();
  }
}

async function begin() {
  ignoreOtherDrops();
  const frame = new Frame();
  for (;;) {
    try {
      return await frame.start();
    } catch (error) {
      console.warn("the sandbox does not answer yet", error);
      toast(wordsOf(navigator.language)("network"));
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

begin();
