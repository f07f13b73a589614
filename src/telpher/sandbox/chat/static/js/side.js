// The people and groups at the side (on a phone: in a sheet), with what was said last, and the page's own switches.

import { avatar, h, icon, iconButton } from "./dom.js";
import { openFaults } from "./faults.js";
import { time } from "./format.js";
import { summary } from "./media.js";
import { form } from "./overlays.js";
import * as theme from "./theme.js";

const LANGUAGES = [["en", "English"], ["ru", "Русский"], ["de", "Deutsch"], ["es", "Español"], ["fr", "Français"], ["uk", "Українська"]]; // prettier-ignore
const THEME_ICON = { auto: "half", light: "sun", dark: "moon" };
const THEME_WORD = { auto: "themeAuto", light: "themeLight", dark: "themeDark" };

/** `frame`: {people() → Conversation[], isShown(userId, chatId), show(userId, chatId, {isBeside}), canShowBeside(), canHide(), addUser, addGroup, armed, onArmed(count), refresh()}. */
export function sideNodes(frame, say, { onChosen = () => {}, hasHead = true } = {}) {
  return [
    hasHead && h("header.side-head", {}, h("img", { src: "/static/mark.svg", alt: "" }), h("div", {}, h("div.side-name", {}, "Telpher"), h("span.badge", {}, say("badge")))),
    h("div.side-title", {}, say("people")),
    h("ul.people", { role: "list" }, frame.people().map((conversation) => chats(conversation, frame, say, onChosen))),
    h("footer.side-foot", {}, actions(frame, say)),
  ].filter(Boolean);
}

function chats(conversation, frame, say, onChosen) {
  const { user, groups } = conversation;
  const groupRows = groups.map((group) => chatRow(conversation, group.id, `${group.title}`, frame, say, onChosen, group));
  return [chatRow(conversation, user.id, user.first_name, frame, say, onChosen), ...groupRows];
}

function chatRow(conversation, chatId, title, frame, say, onChosen, group) {
  const { user } = conversation;
  const last = conversation.messages(chatId).at(-1);
  const isShown = frame.isShown(user.id, chatId);
  const preview = last ? summary(last, say).split("\n")[0] : group ? user.first_name : say("noMessages");
  const beside = iconButton("columns", `${say("beside")}: ${title}`, {
    className: "icon-button person-beside", "aria-pressed": String(isShown), hidden: isShown ? !frame.canHide() : !frame.canShowBeside(),
    onclick: () => frame.show(user.id, chatId, { isBeside: true }),
  }); // prettier-ignore
  return h(
    `li.person${isShown ? ".shown" : ""}`,
    {},
    h(
      "button.person-open",
      {
        type: "button", "aria-current": isShown ? "true" : null,
        onclick: (event) => {
          frame.show(user.id, chatId, { isBeside: event.ctrlKey || event.metaKey });
          onChosen();
        },
      },
      avatar(group ?? user),
      h(
        "div.card-text",
        {},
        h("div.person-line", {}, h("span.person-name", {}, title), h("span.person-language", {}, group ? user.first_name : user.language_code.toUpperCase()), h("span.person-time", {}, last ? time(last.date) : "")),
        h("div.person-line", {}, h("span.person-last", {}, preview), !group && conversation.unread > 0 && h("span.person-unread", {}, String(conversation.unread))),
      ),
    ),
    beside,
  ); // prettier-ignore
}

function actions(frame, say) {
  const people = frame.people();
  const addPerson = () =>
    form(say("addPerson"), [{ name: "name", label: say("name") }, { name: "language", label: say("language"), options: LANGUAGES, value: "en" }], say("add"), say, ({ name, language }) => frame.addUser(name, language));
  const addGroup = () => form(say("addGroup"), [{ name: "title", label: say("groupTitle") }], say("make"), say, ({ title }) => frame.addGroup(title, people.map(({ user }) => user.id)));
  const themeName = theme.current();
  const action = (iconName, text, state, onclick, className = "") =>
    h(`button.side-action${className}`, { type: "button", onclick }, icon(iconName), text, state && h("span.state", {}, state));
  return [
    action("addPerson", say("addPerson"), "", addPerson),
    people.length > 1 && action("group", say("addGroup"), "", addGroup),
    action("bolt", say("faults"), frame.armed ? say("faultsArmed", { count: frame.armed }) : "", () => openFaults(say, frame.onArmed), frame.armed ? ".armed" : ""),
    action(THEME_ICON[themeName], say("theme"), say(THEME_WORD[themeName]), () => (theme.next(), frame.refresh())),
  ];
}
