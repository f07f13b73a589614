// What a message carries, shown: pictures, albums, players, file cards.

import { fileUrl } from "./api.js";
import { h, icon, iconButton } from "./dom.js";
import { length, size } from "./format.js";
import { openLightbox } from "./overlays.js";

// A bot sees an animation as a document too, so the more telling kind comes first.
export const KINDS = ["photo", "animation", "video", "video_note", "audio", "voice", "sticker", "document"];

export const kindOf = (message) => KINDS.find((kind) => message[kind]);

/** The file itself: of a photo the largest size. */
export function fileOf(message) {
  const kind = kindOf(message);
  if (!kind) return null;
  if (kind !== "photo") return message[kind];
  return message.photo.reduce((a, b) => (b.width * b.height > a.width * a.height ? b : a));
}

export const isVisual = (message) => ["photo", "video", "animation"].includes(kindOf(message));

const TONES = [
  ["pdf", /^pdf$/], ["archive", /^(zip|gz|tgz|bz2|xz|zst|7z|rar|tar|iso|deb|apk)$/], ["sheet", /^(xlsx?|ods|csv|tsv|numbers|parquet|sqlite|db)$/],
  ["picture", /^(jpe?g|png|gif|webp|svg|heic|avif|tiff?|bmp|psd)$/], ["film", /^(mp4|mov|mkv|webm|avi|m4v)$/], ["sound", /^(mp3|ogg|oga|opus|flac|wav|m4a|aac)$/],
  ["code", /^(py|pyx|c|h|cc|cpp|rs|go|js|ts|css|html|json|ya?ml|toml|sh|sql|xml|md|ipynb)$/],
]; // prettier-ignore

const extensionOf = (name) => (/\.([\p{L}\p{N}]{1,5})$/u.exec(name)?.[1] ?? "").toLowerCase();

export const toneOf = (name) => TONES.find(([, pattern]) => pattern.test(extensionOf(name)))?.[0] ?? "document";

/** A name that, when it is long, loses its middle and keeps its ending. */
export function cardName(name) {
  const tailLength = name.length > 16 ? Math.min(10, extensionOf(name).length + 4) : 0;
  const cut = name.length - tailLength;
  return h("div.card-name", { title: name }, h("span.stem", {}, name.slice(0, cut)), h("span.tail", {}, name.slice(cut)));
}

export function cardFace(name) {
  const extension = extensionOf(name);
  return h(`div.card-face.tone-${toneOf(name)}`, { "aria-hidden": "true" }, extension ? extension.slice(0, 4) : icon("file"));
}

function documentCard(message, say) {
  const file = message.document ?? fileOf(message);
  const name = file.file_name || say(kindOf(message));
  const href = fileUrl(file.file_id);
  const face = cardFace(name);
  const thumbnail = file.thumbnail?.file_id;
  if (thumbnail) face.append(h("img", { src: fileUrl(thumbnail, { inline: true }), alt: "", onerror: (event) => event.target.remove() }));
  return h(
    "div.card",
    { dataset: { messageId: message.message_id } },
    face,
    h("div.card-text", {}, cardName(name), h("div.card-facts", {}, size(file.file_size, say.language))),
    h("a.card-get", { href, download: name, title: say("download"), "aria-label": `${say("download")}: ${name}` }, icon("download")),
  );
}

/** Pixels wide so that neither side is over its bound, and the place is kept before the picture is there. */
function shownWidth({ width = 320, height = 240 }) {
  const scale = Math.min(420 / width, 460 / height, Math.max(1, 160 / width));
  return Math.max(120, Math.round(width * scale));
}

function picture(message, say, { isInAlbum = false } = {}) {
  const kind = kindOf(message);
  const file = fileOf(message);
  const src = fileUrl(file.file_id, { inline: true });
  const name = file.file_name || say(kind);
  const isVideo = kind === "video" || (kind === "animation" && !/^image\//.test(file.mime_type ?? ""));
  const still = isVideo
    ? h("video", { src: `${src}#t=0.1`, preload: "metadata", muted: true, playsInline: true, loop: kind === "animation", autoplay: kind === "animation", tabIndex: -1 })
    : h("img", { src, alt: message.caption || name, decoding: "async", draggable: false });
  const button = h(
    "button.picture",
    {
      type: "button", "aria-label": `${say("open")}: ${name}`, dataset: { messageId: message.message_id },
      onclick: () => openLightbox({ src, isVideo, name, downloadUrl: fileUrl(file.file_id), say }),
    },
    still,
    kind === "video" && [h("span.play", { "aria-hidden": "true" }, icon("play")), h("span.length", {}, length(file.duration))],
    kind === "animation" && h("span.length", {}, "GIF"),
  ); // prettier-ignore
  if (isInAlbum) return button;
  const { width = 320, height = 240 } = file;
  button.classList.add("single");
  button.style.setProperty("--shown-width", `${shownWidth(file)}px`);
  button.style.aspectRatio = String(Math.min(2.6, Math.max(0.55, width / height)));
  return button;
}

function player(message, say) {
  const kind = kindOf(message);
  const file = fileOf(message);
  const title = [file.performer, file.title].filter(Boolean).join(" — ") || file.file_name || say(kind);
  const audio = new Audio();
  audio.preload = "none";
  audio.src = fileUrl(file.file_id, { inline: true });
  const toggle = h("button.player-toggle", { type: "button", "aria-label": say("play"), onclick: () => (audio.paused ? audio.play() : audio.pause()) }, icon("play"));
  const clock = h("span", {}, length(file.duration));
  const seek = h("input", {
    type: "range", min: 0, max: 1000, value: 0, "aria-label": say("position"),
    oninput: () => (audio.currentTime = (seek.value / 1000) * (audio.duration || file.duration || 0)),
  }); // prettier-ignore
  const shown = () => {
    toggle.replaceChildren(icon(audio.paused ? "play" : "pause"));
    toggle.setAttribute("aria-label", say(audio.paused ? "play" : "pause"));
  };
  for (const event of ["play", "pause", "ended"]) audio.addEventListener(event, shown);
  audio.addEventListener("timeupdate", () => {
    const share = audio.currentTime / (audio.duration || file.duration || 1);
    seek.value = share * 1000;
    seek.style.setProperty("--played", `${share * 100}%`);
    clock.textContent = length(audio.currentTime);
  });
  return h(
    "div.player",
    { dataset: { messageId: message.message_id } },
    toggle,
    h("div.card-text", {}, h("div.player-name", { title }, title), seek, h("div.player-time", {}, clock, ` · ${size(file.file_size, say.language)}`)),
    h("a.card-get", { href: fileUrl(file.file_id), download: file.file_name || "", title: say("download"), "aria-label": `${say("download")}: ${title}` }, icon("download")),
  );
}

function sticker(message, say) {
  const file = message.sticker;
  const src = fileUrl(file.file_id, { inline: true });
  if (file.is_animated) return h("div.dice", { role: "img", "aria-label": say("sticker") }, file.emoji || "🙂");
  if (file.is_video) return h("video.sticker", { src, autoplay: true, loop: true, muted: true, playsInline: true });
  return h("img.sticker", { src, alt: file.emoji || say("sticker"), draggable: false });
}

const round = (message, say) =>
  h("video.sticker.round", { src: fileUrl(message.video_note.file_id, { inline: true }), controls: true, playsInline: true, preload: "metadata", "aria-label": say("video_note") });

/** One message's file, or null. Pictures come wrapped in .media, which bleeds to the bubble's edge. */
export function mediaNode(message, say) {
  switch (kindOf(message)) {
    case undefined: return otherNode(message, say);
    case "photo": case "video": case "animation": return h("div.media", {}, picture(message, say));
    case "audio": case "voice": return player(message, say);
    case "sticker": return sticker(message, say);
    case "video_note": return round(message, say);
    default: return documentCard(message, say);
  } // prettier-ignore
}

export function albumNode(messages, say) {
  if (messages.every(isVisual))
    return h("div.media", {}, h("div.album", { dataset: { count: messages.length } }, messages.map((each) => picture(each, say, { isInAlbum: true }))));
  return h("div.cards", {}, messages.map((each) => mediaNode(each, say)));
}

function otherNode(message, say) {
  const { contact, location, venue, dice, poll } = message;
  if (dice) return h("div.dice", { title: String(dice.value) }, dice.emoji);
  if (contact) return h("div.fact-card", {}, h("b", {}, [contact.first_name, contact.last_name].filter(Boolean).join(" ")), h("span", {}, contact.phone_number));
  if (venue) return h("div.fact-card", {}, h("b", {}, venue.title), h("span", {}, venue.address));
  if (location) return h("div.fact-card", {}, h("b", {}, say("location")), h("span", {}, `${location.latitude}, ${location.longitude}`));
  if (poll) return h("div.fact-card", {}, h("b", {}, poll.question), poll.options.map((option) => h("span", {}, `○ ${option.text}`)));
  return null;
}

/** One line that stands for the message: in quotes, previews and notifications. */
export function summary(message, say) {
  const text = message.text || message.caption;
  const kind = kindOf(message);
  if (!kind) return text || (message.contact && say("contact")) || (message.location && say("location")) || (message.poll && say("poll")) || message.dice?.emoji || "…";
  const name = fileOf(message).file_name;
  const head = kind === "document" || kind === "audio" ? name || say(kind) : say(kind);
  return text ? `${head}: ${text}` : head;
}

/** A card for a file that is on its way; `update({share, failure})` moves its ring. */
export function pendingCard(name, sizeBytes, say, ringNode, { onCancel }) {
  const facts = h("div.card-facts", { role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": name });
  const node = h(
    "div.card",
    {},
    h("div.card-face", {}, ringNode, icon("send")),
    h("div.card-text", {}, cardName(name), facts),
    iconButton("close", say("cancel"), { className: "card-get", onclick: onCancel }),
  );
  return {
    node,
    update(share) {
      ringNode.style.setProperty("--done", String(share * 100));
      facts.setAttribute("aria-valuenow", String(Math.round(share * 100)));
      facts.textContent = `${size(sizeBytes * share, say.language)} / ${size(sizeBytes, say.language)}`;
    },
  };
}
