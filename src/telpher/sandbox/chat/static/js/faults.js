// The panel of faults on demand, and the newest requests that the sandbox saw.

import * as api from "./api.js";
import { h, icon } from "./dom.js";
import { size } from "./format.js";
import { sheet, toast } from "./overlays.js";

const LOG_EVERY_MS = 1500;

// Each is one rule of POST /sandbox/faults.
const PRESETS = [
  { icon: "scissors", en: ["Cut an upload to the drive", "The connection breaks 256 KB into the next upload."], ru: ["Оборвать загрузку на диск", "Связь рвётся на 256-м килобайте следующей загрузки."],
    rule: { match: "PUT /upload/drive/", kind: "cut_request", after_bytes: 262144, times: 1 } },
  { icon: "cloud", en: ["Lose the drive's answer", "The next upload is done, but its answer never arrives."], ru: ["Потерять ответ диска", "Следующая загрузка пройдёт, но ответ не дойдёт."],
    rule: { match: "PUT /upload/drive/", kind: "drop_answer", times: 1 } },
  { icon: "alert", en: ["The drive is in trouble", "Answers 503 to the next 5 requests."], ru: ["Диску плохо", "Отвечает 503 на следующие 5 запросов."],
    rule: { match: " /(upload/)?drive/v3/", kind: "status", status: 503, times: 5 } },
  { icon: "hand", en: ["Telegram says: too many requests", "429 to the bot's next 3 calls, with “retry after 3”."], ru: ["Telegram говорит: слишком часто", "429 на следующие 3 вызова бота, «повторите через 3»."],
    rule: { match: "POST /bot[^/]+/(send|edit)", kind: "status", status: 429, retry_after: 3, times: 3 } },
  { icon: "scissors", en: ["Cut a download from Telegram", "Breaks 256 KB into the next file that the bot fetches."], ru: ["Оборвать скачивание из Telegram", "Рвётся на 256-м килобайте следующего файла для бота."],
    rule: { match: "GET /file/bot", kind: "cut_response", after_bytes: 262144, times: 1 } },
  { icon: "snail", en: ["A slow line", "Files pass at 200 KB/s until you disarm it."], ru: ["Медленная связь", "Файлы идут по 200 КБ/с, пока не выключите."],
    rule: { match: "(GET /file/bot|/upload/drive/)", kind: "bandwidth", bytes_per_s: 204800, direction: "both" } },
]; // prettier-ignore

const isSame = (rule, preset) => rule.match === preset.rule.match && rule.kind === preset.rule.kind;

/** Not the page's own requests, nor a poll that waits or found nothing wrong. */
const isTelling = ({ path, status }) =>
  !/^\/(chat|static|sandbox|favicon\.ico)\b|^\/$/.test(path) && !(path.endsWith("/getUpdates") && (!status || status === 200));

export async function openFaults(say, onArmed) {
  let timer;
  const { body } = sheet(say("faultsTitle"), say, { onClose: () => clearInterval(timer) });
  const list = h("div");
  const lines = h("div.log-lines", { tabIndex: 0, role: "log", "aria-label": say("log") });
  const clear = h("button.plain-button", { type: "button", onclick: () => change(api.clearFaults) }, say("clear"));
  body.append(h("p", {}, say("faultsText")), list, h("div.sheet-buttons", {}, clear), h("section.log", {}, h("h3", {}, say("log")), lines));

  const show = async () => {
    const armed = await api.faults();
    onArmed(armed.length);
    list.replaceChildren(...PRESETS.map((preset) => card(preset, armed)));
  };
  const card = (preset, armed) => {
    const isOn = armed.some((rule) => isSame(rule, preset));
    const [title, note] = preset[say.language];
    const toggle = () => change(() => (isOn ? disarm(preset, armed) : api.addFault(preset.rule)));
    return h(
      `div.fault${isOn ? ".on" : ""}`,
      {},
      icon(preset.icon),
      h("div", {}, h("b", {}, title), h("span", {}, note)),
      h("button.plain-button", { type: "button", "aria-pressed": String(isOn), onclick: toggle }, say(isOn ? "disarm" : "arm")),
    );
  };
  // The sandbox clears all rules or none, so the others are armed again.
  const disarm = async (preset, armed) => {
    await api.clearFaults();
    const others = armed.filter((rule) => !isSame(rule, preset));
    if (others.length) await api.addFault(others);
  };
  const change = async (deed) => {
    try {
      await deed();
      await show();
    } catch (error) {
      toast(error.message);
    }
  };
  const showLog = async () => {
    const requests = (await api.requestLog(Date.now() / 1000 - 600)).filter(isTelling);
    lines.replaceChildren(
      ...requests.slice(-60).reverse().map((request) =>
        h(
          "div.log-line",
          {},
          h(request.status && request.status < 400 ? "span" : "span.bad", {}, String(request.status ?? "✂")),
          h("span.path", { title: `${request.method} ${request.path}` }, `${request.method} ${request.path}`),
          h("i", {}, size(request.bytes_in + request.bytes_out, say.language)),
          h("i", {}, request.took_s == null ? "…" : `${Math.round(request.took_s * 1000)} ms`),
        ),
      ),
    ); // prettier-ignore
  };
  await change(async () => {});
  await showLog().catch(() => {});
  timer = setInterval(() => Promise.all([showLog(), show()]).catch(() => {}), LOG_EVERY_MS);
}

export const armedCount = () => api.faults().then((rules) => rules.length, () => 0);

