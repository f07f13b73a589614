// Where a person writes: text, commands, attachments, replies and edits, inline queries, the bot's reply keyboard.

import * as api from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { replyKeyboard } from "./keyboards.js";
import { openMenu, toast } from "./overlays.js";
import { summary } from "./media.js";
import { Tray } from "./tray.js";

const INLINE_WAIT_MS = 350;

export class Composer {
  /** `on`: sendText(text, replyTo), sendFiles(parts, caption, replyTo), editText(message, text); `conversation` knows commands. */
  constructor(conversation, place, say, toasts, on) {
    this._conversation = conversation;
    this._place = place;
    this._say = say;
    this._toasts = toasts;
    this._on = on;
    this._target = null; // {kind: "reply" | "edit", message}
    this._options = [];
    this._selected = 0;
    this.tray = new Tray(say, { onChange: () => this._shown() });

    this._field = h("textarea", {
      rows: 1, placeholder: say("write"), "aria-label": say("write"), enterKeyHint: "send", maxLength: 4096, autocomplete: "off",
      role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false",
      oninput: () => this._onInput(), onkeydown: (event) => this._onKey(event), onpaste: (event) => this._onPaste(event),
    }); // prettier-ignore
    this._send = iconButton("send", say("send"), { className: "icon-button send", disabled: true, onclick: () => this.submit() });
    this._menuButton = h("button.menu-button", { type: "button", "aria-haspopup": "listbox", "aria-label": say("commands"), onclick: () => this._toggleCommands() }, icon("menu"), h("span", {}, say("menu")));
    this._attach = iconButton("attach", say("attach"), { "aria-haspopup": "menu", onclick: () => this._openAttach() });
    this._picker = h("input", { type: "file", hidden: true, tabIndex: -1, onchange: () => this._picked() });
    this._above = h("div.above", { hidden: true });
    this._keys = h("div", { hidden: true });
    this._popup = h("div.popup", { role: "listbox", "aria-label": say("commands"), hidden: true });
    this._popup.addEventListener("scroll", () => {
      const { scrollTop, clientHeight, scrollHeight } = this._popup;
      if (scrollTop + clientHeight > scrollHeight - 120) this._showMore();
    });
    this.node = h(
      "footer.composer",
      {},
      this._popup,
      h("div.composer-inner", {}, this._above, this.tray.node, h("div.write", {}, this._menuButton, this._attach, this._picker, this._field, this._send), this._keys),
    );
  }

  focus() {
    if (matchMedia("(hover: hover)").matches) this._field.focus({ preventScroll: true });
  }

  get hasFocus() {
    return document.activeElement === this._field;
  }

  reply(message) {
    this._aim({ kind: "reply", message });
  }

  edit(message) {
    this._aim({ kind: "edit", message });
    this._setText(message.text ?? message.caption ?? "");
  }

  insert(text) {
    this._setText(text);
    this.focus();
  }

  addFiles(files, way) {
    const full = files.filter((file) => file.size > 0);
    for (const file of files) if (!full.includes(file)) toast(this._say("emptyFile", { name: file.name }), this._toasts);
    if (!full.length) return;
    this.tray.add(full, way);
    this.focus();
  }

  /** The bot's reply keyboard, or what it asks for; null takes it away. */
  showKeyboard(markup) {
    this._keys.hidden = !markup?.keyboard;
    this._field.placeholder = markup?.input_field_placeholder || this._say(this.tray.isEmpty ? "write" : "caption");
    if (!markup?.keyboard) return;
    const onChoose = (text) => {
      if (markup.one_time_keyboard) this._keys.hidden = true;
      this._on.sendText(text);
    };
    this._keys.replaceChildren(replyKeyboard(markup, { onChoose, onOther: () => toast(this._say("notHere"), this._toasts) }));
  }

  async submit() {
    const text = this._field.value.trim();
    const target = this._target;
    const replyTo = target?.kind === "reply" ? target.message.message_id : undefined;
    if (!this.tray.isEmpty) {
      this._on.sendFiles(this.tray.take(), text, replyTo);
    } else if (!text) {
      return;
    } else {
      const sent = target?.kind === "edit" ? this._on.editText(target.message, text) : this._on.sendText(text, replyTo);
      sent.catch((error) => {
        toast(this._say("failed", { reason: error.message }), this._toasts);
        if (!this._field.value) this._setText(text); // nothing typed is lost
      });
    }
    this._aim(null);
    this._setText("");
    this.focus();
  }

  _aim(target) {
    this._target = target;
    this._above.hidden = !target;
    if (!target) return;
    const say = this._say;
    const { kind, message } = target;
    const title = kind === "edit" ? say("editing") : say("replyTo", { name: message.from?.first_name ?? "" });
    const cancel = () => (this._aim(null), kind === "edit" && this._setText(""), this.focus());
    this._above.replaceChildren(icon(kind), h("div.quote", {}, h("b", {}, title), h("span", {}, summary(message, say))), iconButton("close", say("cancel"), { onclick: cancel }));
    this.focus();
  }

  _setText(text) {
    this._field.value = text;
    this._onInput();
  }

  _shown() {
    this._send.disabled = !this._field.value.trim() && this.tray.isEmpty;
    this._field.placeholder = this._say(this.tray.isEmpty ? "write" : "caption");
  }

  _onInput() {
    if (!CSS.supports("field-sizing", "content")) {
      this._field.style.height = "auto";
      this._field.style.height = `${this._field.scrollHeight}px`;
    }
    this._shown();
    const text = this._field.value;
    clearTimeout(this._inlineTimer);
    if (/^\/\w*$/.test(text)) return this._showCommands(text.slice(1));
    const inline = new RegExp(`^@${this._conversation.bot?.username}\\s+(.*)$`, "is").exec(text);
    if (inline) return void (this._inlineTimer = setTimeout(() => this._askInline(inline[1]), INLINE_WAIT_MS));
    this._closePopup();
  }

  _onKey(event) {
    if (event.isComposing) return;
    const isOpen = !this._popup.hidden && this._options.length;
    if (isOpen && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      this._select(this._selected + (event.key === "ArrowDown" ? 1 : -1));
    } else if (isOpen && event.key === "Tab") {
      this._options[this._selected].complete();
    } else if (event.key === "Enter" && !event.shiftKey) {
      if (isOpen) this._options[this._selected].choose();
      else this.submit();
    } else if (event.key === "Escape") {
      if (!this._popup.hidden) this._closePopup();
      else if (this._target) this._aim(null);
      else if (!this.tray.isEmpty) this.tray.clear();
      else return;
    } else if (event.key === "ArrowUp" && !this._field.value) {
      const own = this._on.lastOwn();
      if (!own) return;
      this.edit(own);
    } else return;
    event.preventDefault();
  }

  _onPaste(event) {
    const files = [...event.clipboardData.files];
    if (!files.length) return;
    event.preventDefault();
    this.addFiles(files, "guess");
  }

  // ---- commands and inline results

  _toggleCommands() {
    if (!this._popup.hidden) return this._closePopup();
    this._showCommands("");
    this._field.focus();
  }

  _showCommands(begun) {
    const commands = this._conversation.commandsIn(this._place.chat_id).filter(({ command }) => command.startsWith(begun.toLowerCase()));
    if (!commands.length && begun) return this._closePopup();
    if (!commands.length) return this._note(this._say("noCommands"));
    this._showOptions(
      commands.map(({ command, description }) => ({
        node: h("div.option", { role: "option" }, h("span.option-command", {}, `/${command}`), h("span.option-text", {}, description)),
        choose: () => (this._setText(""), this._closePopup(), this._on.sendText(`/${command}`)),
        complete: () => (this._setText(`/${command} `), this._closePopup()),
      })),
    );
  }

  async _askInline(text, offset = "") {
    const shown = this._options;
    if (!offset) this._note(this._say("inlineWait"), true);
    try {
      const { results = [], next_offset: next = "" } = await api.inline(this._place, text, offset);
      if (offset && shown !== this._options) return; // something else is asked for meanwhile
      if (!results.length && !offset) return this._note(this._say("inlineNone"));
      const choose = async (result) => {
        this._setText("");
        await api.chooseInline(this._place, result.id, text);
        toast(this._say("inlineChosen"), this._toasts);
      };
      (offset ? this._addOptions : this._showOptions).call(
        this,
        results.map((result) => ({
          node: h("div.option", { role: "option" }, h("div.card-text", {}, h("div.card-name", {}, result.title ?? result.caption ?? result.type), h("div.option-text", {}, result.description ?? ""))),
          choose: () => choose(result),
          complete: () => choose(result),
        })),
      );
      this._more = next ? () => this._askInline(text, next) : null;
    } catch (error) {
      this._note(error.message);
    }
  }

  _note(text, isBusy = false) {
    this._options = [];
    this._popup.replaceChildren(h("div.popup-note", {}, isBusy && h("i.spinner"), text));
    this._popup.hidden = false;
  }

  _showOptions(options) {
    this._options = [];
    this._more = null;
    this._popup.replaceChildren();
    this._addOptions(options);
    this._popup.hidden = false;
    this._field.setAttribute("aria-expanded", "true");
    this._select(0);
    this._outside ??= (event) => this.node.contains(event.target) || this._closePopup();
    addEventListener("pointerdown", this._outside);
  }

  _addOptions(options) {
    const first = this._options.length;
    options.forEach(({ node, choose }, number) => {
      const index = first + number;
      node.id = `option-${this._place.user_id}-${index}`;
      node.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
      node.addEventListener("click", choose);
      node.addEventListener("pointermove", () => this._select(index, false));
    });
    this._options.push(...options);
    this._popup.append(...options.map(({ node }) => node));
  }

  /** Ask for what comes after the options that are shown, once for each page. */
  _showMore() {
    const more = this._more;
    this._more = null;
    more?.();
  }

  _select(index, isScrolled = true) {
    this._selected = (index + this._options.length) % this._options.length;
    this._options.forEach(({ node }, each) => node.setAttribute("aria-selected", String(each === this._selected)));
    const { node } = this._options[this._selected];
    this._field.setAttribute("aria-activedescendant", node.id);
    if (isScrolled) node.scrollIntoView({ block: "nearest" });
    if (this._selected >= this._options.length - 3) this._showMore();
  }

  _closePopup() {
    this._popup.hidden = true;
    this._options = [];
    this._more = null;
    this._field.setAttribute("aria-expanded", "false");
    this._field.removeAttribute("aria-activedescendant");
    removeEventListener("pointerdown", this._outside);
  }

  // ---- attachments

  _openAttach() {
    const say = this._say;
    const pick = (way, accept, multiple = true) => () => {
      this._way = way;
      this._picker.accept = accept;
      this._picker.multiple = multiple;
      this._picker.click();
    };
    const { left, top } = this._attach.getBoundingClientRect();
    openMenu(
      [
        { icon: "picture", text: say("asPhoto"), run: pick("guess", "image/*,video/*") },
        { icon: "file", text: say("asFile"), run: pick("document", "") },
        { icon: "album", text: say("asAlbum"), run: pick("guess", "") },
        "line",
        { icon: "sound", text: say("asAudio"), run: pick("audio", "audio/*") },
        { icon: "voice", text: say("asVoice"), run: pick("voice", "audio/*", false) },
        { icon: "gif", text: say("asAnimation"), run: pick("animation", "image/gif,video/mp4", false) },
        { icon: "round", text: say("asRound"), run: pick("video_note", "video/*", false) },
        { icon: "sticker", text: say("asSticker"), run: pick("sticker", "image/webp,image/png,video/webm", false) },
      ],
      { x: left, y: top - 8, label: say("attach"), returnTo: this._attach },
    );
  }

  _picked() {
    this.addFiles([...this._picker.files], this._way);
    this._picker.value = "";
  }
}
