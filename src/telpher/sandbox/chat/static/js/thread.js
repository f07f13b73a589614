// The scrolling list: entries in order, days, groups, uploads under way; stays at the end while the person is there.

import { Bubble, serviceText } from "./bubble.js";
import { h, icon } from "./dom.js";
import { day, dayKey } from "./format.js";
import { prefersCalm } from "./overlays.js";

const GROUP_GAP_S = 5 * 60;
const PAGE = 120;
const NEAR_END_PX = 90;
const DAY_SHOWN_MS = 1200;

/** Messages as entries: albums together, everything else alone. */
function entriesOf(messages) {
  const entries = [];
  for (const message of messages) {
    const last = entries.at(-1);
    const album = message.media_group_id;
    if (album && last?.album === album) last.messages.push(message);
    else entries.push({ key: `m${message.message_id}`, album, messages: [message] });
  }
  return entries;
}

function areTogether(a, b) {
  return a && b && !a.messages[0].reply_markup?.inline_keyboard && !serviceText(a.messages[0]) && !serviceText(b.messages[0]) && a.messages[0].from?.id === b.messages[0].from?.id
    && b.messages[0].date - a.messages.at(-1).date < GROUP_GAP_S && dayKey(a.messages[0].date) === dayKey(b.messages[0].date);
} // prettier-ignore

export class Thread {
  /** `context` as for Bubble; `emptyNode()` is shown in an empty chat; `onMenu(message, point)` for a message's actions. */
  constructor(context, { emptyNode, onMenu }) {
    this.context = context;
    this._emptyNode = emptyNode;
    this._onMenu = onMenu;
    this._rows = new Map(); // key → {node, bubble?}
    this._pending = [];
    this._shownCount = PAGE;
    this._isAtEnd = true;
    this._isFirst = true;
    this._missed = 0;
    const { say } = context;
    this.list = h("div.thread-list", { role: "log", "aria-live": "polite", "aria-relevant": "additions text" });
    this.scroller = h("div.thread", { tabIndex: -1 }, this.list);
    this._count = h("b");
    this.toBottom = h("button.to-bottom.away", { type: "button", "aria-label": say("toBottom"), title: say("toBottom"), onclick: () => this.scrollToEnd() }, icon("down"), this._count);
    this.node = h("div.wall", {}, this.scroller, this.toBottom);
    this.scroller.addEventListener("scroll", () => this._onScroll(), { passive: true });
    new ResizeObserver(() => this._isAtEnd && this._jumpToEnd()).observe(this.list);
    new ResizeObserver(() => this._isAtEnd && this._jumpToEnd()).observe(this.scroller);
    this.list.addEventListener("contextmenu", (event) => this._openMenu(event));
    this.list.addEventListener("keydown", (event) => this._onKey(event));
    this._watchLongPress();
  }

  /** Show these messages, in order. */
  show(messages) {
    this._messages = messages;
    const entries = entriesOf(messages);
    const hidden = Math.max(0, entries.length - this._shownCount);
    const shown = entries.slice(hidden);
    const wanted = [];
    if (hidden) wanted.push(this._keep("earlier", () => h("button.earlier", { type: "button", onclick: () => this._showEarlier() }, this.context.say("earlier"))));
    if (!entries.length && !this._pending.length) wanted.push(this._keep("empty", this._emptyNode));
    let lastDay;
    shown.forEach((entry, index) => {
      const key = dayKey(entry.messages[0].date);
      if (key !== lastDay) wanted.push(this._keep(`d${key}`, () => h("div.day", {}, day(entry.messages[0].date, this.context.say))));
      lastDay = key;
      wanted.push(this._entryNode(entry, areTogether(shown[index - 1], entry), areTogether(entry, shown[index + 1])));
    });
    wanted.push(...this._pending.map((pending) => pending.node));
    this._arrange(wanted);
    this._isFirst = false;
    if (this._isAtEnd) this._jumpToEnd();
  }

  /** A node at the end until `remove()` is called: an upload. */
  addPending(node) {
    const pending = { node };
    this._pending.push(pending);
    this._isAtEnd = true;
    this.show(this._messages);
    return () => {
      this._pending = this._pending.filter((each) => each !== pending);
      this.show(this._messages);
    };
  }

  /** A message came: count it if the person looks elsewhere. */
  noteArrival(isOwn) {
    if (isOwn) this._isAtEnd = true;
    else if (!this._isAtEnd) this._missed += 1;
    this._showButton();
  }

  scrollToEnd() {
    this._isAtEnd = true;
    this.scroller.scrollTo({ top: this.scroller.scrollHeight, behavior: prefersCalm() ? "instant" : "smooth" });
  }

  /** Bring a message into view and mark it; false when it is not here. */
  flash(messageId) {
    const row = this._rowOf(messageId);
    if (!row) return false;
    this._isAtEnd = false;
    row.scrollIntoView({ block: "center", behavior: prefersCalm() ? "instant" : "smooth" });
    row.classList.remove("flash");
    requestAnimationFrame(() => row.classList.add("flash"));
    setTimeout(() => row.classList.remove("flash"), 1500);
    return true;
  }

  _rowOf(messageId) {
    return this.list.querySelector(`.row[data-message-id="${messageId}"], .row:has([data-message-id="${messageId}"])`);
  }

  _keep(key, build) {
    if (!this._rows.has(key)) this._rows.set(key, { node: build() });
    const row = this._rows.get(key);
    row.isWanted = true;
    return row.node;
  }

  _entryNode(entry, joinsBefore, joinsAfter) {
    const { key, messages } = entry;
    const service = serviceText(messages[0]);
    if (service) return this._keep(key, () => h("div.service", {}, service));
    let row = this._rows.get(key);
    if (row) row.bubble.update(messages);
    else {
      const bubble = new Bubble(messages, this.context);
      row = { node: bubble.node, bubble };
      this._rows.set(key, row);
      if (!this._isFirst) {
        bubble.node.classList.add("arriving");
        bubble.node.addEventListener("animationend", () => bubble.node.classList.remove("arriving"), { once: true });
      }
    }
    row.isWanted = true;
    row.node.classList.toggle("first", !joinsBefore);
    row.node.classList.toggle("last", !joinsAfter);
    return row.node;
  }

  /** Put the wanted nodes in order with as few moves as can be, and let the others go. */
  _arrange(wanted) {
    for (const [key, row] of this._rows) {
      if (row.isWanted) row.isWanted = false;
      else {
        row.node.remove();
        this._rows.delete(key);
      }
    }
    const nodes = new Set(wanted);
    for (const child of [...this.list.children]) if (!nodes.has(child)) child.remove();
    wanted.forEach((node, index) => {
      if (this.list.children[index] !== node) this.list.insertBefore(node, this.list.children[index] ?? null);
    });
    const rows = this.list.querySelectorAll(".row");
    if (rows.length && !this.list.querySelector('.row[tabindex="0"]')) rows[rows.length - 1].tabIndex = 0;
  }

  _showEarlier() {
    const fromEnd = this.scroller.scrollHeight - this.scroller.scrollTop;
    this._shownCount += PAGE;
    this._isFirst = true; // what was there all along does not arrive
    this.show(this._messages);
    this.scroller.scrollTop = this.scroller.scrollHeight - fromEnd;
  }

  _jumpToEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
    this._showDay();
  }

  _onScroll() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    this._isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
    this._showButton();
    this._showDay();
  }

  /** A day that floats over messages shows where one is while one scrolls; then it would only hide what they say. */
  _showDay() {
    for (const node of this.list.querySelectorAll(".day")) {
      const next = node.nextElementSibling;
      node.classList.toggle("floating", Boolean(next) && node.offsetTop + node.offsetHeight > next.offsetTop);
    }
    this.scroller.classList.toggle("scrolling", !this._isAtEnd);
    clearTimeout(this._dayTimer);
    this._dayTimer = setTimeout(() => this.scroller.classList.remove("scrolling"), DAY_SHOWN_MS);
  }

  _showButton() {
    if (this._isAtEnd) this._missed = 0;
    this.toBottom.classList.toggle("away", this._isAtEnd);
    this._count.textContent = this._missed || "";
  }

  _openMenu(event) {
    const target = event.target.closest("[data-message-id]");
    if (!target || event.target.closest("a[href]:not(.card-get)")) return;
    if (String(getSelection()).length && event.target.closest(".text")) return; // leave the browser's own for selected text
    event.preventDefault();
    const row = target.closest(".row");
    row.focus({ preventScroll: true });
    this._onMenu(Number(target.dataset.messageId), { x: event.clientX, y: event.clientY });
  }

  _onKey(event) {
    const row = event.target;
    if (!row.classList.contains("row")) return;
    const rows = [...this.list.querySelectorAll(".row")];
    const at = rows.indexOf(row);
    const goal = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[event.key];
    if (rows[goal]) {
      row.tabIndex = -1;
      rows[goal].tabIndex = 0;
      rows[goal].focus();
    } else if (event.key === "Enter" || event.key === "ContextMenu" || (event.key === "F10" && event.shiftKey)) {
      const { left, top } = row.querySelector(".bubble").getBoundingClientRect();
      this._onMenu(Number(row.dataset.messageId), { x: left + 24, y: top + 24 });
    } else return;
    event.preventDefault();
  }

  /** On touch screens, a long press is the context menu (iOS has no contextmenu event). */
  _watchLongPress() {
    let timer;
    const stop = () => clearTimeout(timer);
    this.list.addEventListener("touchstart", (event) => {
      const { clientX, clientY } = event.touches[0];
      timer = setTimeout(() => this._openMenu({ target: event.target, clientX, clientY, preventDefault() {} }), 550);
    }, { passive: true }); // prettier-ignore
    for (const name of ["touchend", "touchmove", "touchcancel"]) this.list.addEventListener(name, stop, { passive: true });
  }
}
