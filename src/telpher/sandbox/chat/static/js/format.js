// Numbers and times as people of that language write them.

const UNITS = { en: ["B", "KB", "MB", "GB", "TB"], ru: ["Б", "КБ", "МБ", "ГБ", "ТБ"] };

/** Sizes as Telegram counts them: 1 KB is 1024 bytes. */
export function size(bytes, language) {
  if (bytes == null) return "";
  const step = bytes < 1 ? 0 : Math.min(4, Math.floor(Math.log(bytes) / Math.log(1024)));
  const value = bytes / 1024 ** step;
  const digits = step === 0 || value >= 100 ? 0 : 1;
  const number = new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);
  return `${number}\u00a0${(UNITS[language] ?? UNITS.en)[step]}`;
}

export const time = (seconds) =>
  new Date(seconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });

export const fullTime = (seconds, language) =>
  new Date(seconds * 1000).toLocaleString(language, { dateStyle: "full", timeStyle: "medium" });

const RELATIVE = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** A moment as the Bot API's date-time formatting asks (`r`, or `w`, `d` or `D`, `t` or `T`); "" when it asks for nothing. */
export function moment(seconds, shape, language) {
  if (!shape) return "";
  if (shape === "r") {
    const ahead = seconds - Date.now() / 1000;
    const [unit, length] = RELATIVE.find(([, each]) => Math.abs(ahead) >= each) ?? RELATIVE.at(-1);
    return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(Math.round(ahead / length), unit);
  }
  const has = (letters) => [...letters].some((letter) => shape.includes(letter));
  return new Date(seconds * 1000).toLocaleString(language === "en" ? "en-GB" : language, {
    ...(has("w") && { weekday: "short" }),
    ...(has("dD") && { day: "numeric", month: shape.includes("D") ? "short" : "2-digit", year: "numeric" }),
    ...(has("tT") && { hour: "2-digit", minute: "2-digit", ...(shape.includes("T") && { second: "2-digit" }) }),
  }).replace(/\sг\.(?=,|$)/, "");
}

/** A day as a key that sorts and compares, in the browser's time zone. */
export function dayKey(seconds) {
  const date = new Date(seconds * 1000);
  return `${date.getFullYear()}-${date.getMonth()}-${date.getDate()}`;
}

export function day(seconds, say) {
  const nowMs = Date.now();
  if (dayKey(seconds) === dayKey(nowMs / 1000)) return say("today");
  if (dayKey(seconds) === dayKey(nowMs / 1000 - 86400)) return say("yesterday");
  const date = new Date(seconds * 1000);
  const isThisYear = date.getFullYear() === new Date(nowMs).getFullYear();
  return date.toLocaleDateString(say.language, { day: "numeric", month: "long", ...(isThisYear ? {} : { year: "numeric" }) });
}

export function length(seconds) {
  const whole = Math.max(0, Math.round(seconds || 0));
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  if (whole >= 3600) parts.unshift(Math.floor(whole / 3600));
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}
