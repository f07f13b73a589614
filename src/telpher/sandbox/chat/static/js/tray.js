// Files waiting for Send, and how they go: as files byte for byte, or by kind; together as albums, or one by one.

import { h, iconButton } from "./dom.js";
import { size } from "./format.js";
import { cardFace, cardName } from "./media.js";

const ALBUM_LIMIT = 10;
const VISUAL = /^(image\/(jpeg|png|webp|avif|heic|bmp)|video\/)/;

/** Which albums may hold a file: Telegram mixes photos and videos, and keeps files and audio apart. */
function albumClass(file, way) {
  if (way === "document") return "document";
  if (way !== "guess") return way === "photo" || way === "video" ? "visual" : way === "audio" ? "audio" : null;
  if (file.type === "image/gif") return null;
  if (VISUAL.test(file.type)) return "visual";
  return file.type.startsWith("audio/") ? "audio" : "document";
}

export class Tray {
  constructor(say, { onChange }) {
    this._say = say;
    this._onChange = onChange;
    this._files = [];
    this._urls = new Map();
    this._way = "guess";
    this.node = h("div.tray", { hidden: true });
  }

  get isEmpty() {
    return !this._files.length;
  }

  /** `way`: guess, document, photo, video, audio, voice, animation, video_note or sticker. */
  add(files, way) {
    this._files.push(...files);
    this._way = way;
    this._show();
  }

  clear() {
    for (const url of this._urls.values()) URL.revokeObjectURL(url);
    this._urls.clear();
    this._files = [];
    this._show();
  }

  /** What to send, request by request: [{files, kind}], and empty the tray. */
  take() {
    const kind = this._way === "guess" ? undefined : this._way;
    const parts = [];
    for (const file of this._files) {
      const group = this._album?.checked ? albumClass(file, this._way) : null;
      const last = parts.at(-1);
      if (group && last?.group === group && last.files.length < ALBUM_LIMIT) last.files.push(file);
      else parts.push({ group, files: [file], kind });
    }
    this.clear();
    return parts;
  }

  _show() {
    this.node.hidden = this.isEmpty;
    const say = this._say;
    const wasAlbum = this._album?.checked ?? true;
    const ways = [["guess", "guess"], ["document", "exactFile"], ["photo", "photo"], ["video", "video"], ["audio", "audio"], ["voice", "voice"], ["animation", "animation"], ["video_note", "video_note"], ["sticker", "sticker"]]; // prettier-ignore
    const select = h("select", { onchange: () => (this._way = select.value) }, ways.map(([way, word]) => h("option", { value: way, selected: way === this._way }, say(word))));
    this._album = h("input", { type: "checkbox", checked: wasAlbum });
    this.node.replaceChildren(
      h("ul.tray-list", {}, this._files.map((file, index) => this._item(file, index))),
      h("div.tray-ways", {}, h("label", {}, say("sendAs"), select), this._files.length > 1 && h("label", {}, this._album, say("oneAlbum"))),
    );
    this._onChange();
  }

  _item(file, index) {
    const face = cardFace(file.name);
    if (/^image\//.test(file.type)) {
      if (!this._urls.has(file)) this._urls.set(file, URL.createObjectURL(file));
      face.append(h("img", { src: this._urls.get(file), alt: "" }));
    }
    const remove = () => {
      this._files.splice(index, 1);
      this._show();
    };
    return h(
      "li.tray-item",
      {},
      face,
      h("div.card-text", {}, cardName(file.name), h("div.card-facts", {}, size(file.size, this._say.language))),
      iconButton("close", `${this._say("remove")}: ${file.name}`, { onclick: remove }),
    );
  }
}
