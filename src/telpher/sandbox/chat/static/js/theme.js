// Light, dark, or as the system says; remembered in this browser.

const KEY = "telpher.theme";
const THEMES = ["auto", "light", "dark"];

const fromAddress = new URLSearchParams(location.search).get("theme");

export const current = () => document.documentElement.dataset.theme ?? "auto";

export function apply(theme) {
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

export function next() {
  const theme = THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length];
  apply(theme);
  localStorage.setItem(KEY, theme);
  return theme;
}

apply(fromAddress ?? localStorage.getItem(KEY));
