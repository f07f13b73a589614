// The page's own words, in the language of the person whose column it is.

const en = {
  badge: "sandbox: offline Telegram", badgeShort: "sandbox",
  people: "People", groups: "Groups", addPerson: "Add a person", addGroup: "Make a group", faults: "Faults on demand", faultsArmed: "{count} armed",
  theme: "Appearance", themeAuto: "as the system", themeLight: "light", themeDark: "dark", beside: "Show side by side", switchUser: "Switch person",
  bot: "bot", online: "online", lost: "reconnecting", as: "you are {name}", close: "Close", members: "{count} members",
  noMessages: "No messages yet", you: "You", emptyTitle: "What can this bot do?", emptyText: "Send it anything, and it lands in your drive.", start: "Start",
  today: "Today", yesterday: "Yesterday", edited: "edited", earlier: "Show earlier messages", toBottom: "Scroll to the newest message",
  write: "Message", attach: "Attach", send: "Send", menu: "Menu", commands: "Commands", noCommands: "The bot has no commands.",
  asPhoto: "Photo or video", asFile: "File", asAlbum: "Album of several", asAudio: "Audio", asVoice: "Voice message", asAnimation: "Animation (GIF)", asRound: "Round video", asSticker: "Sticker",
  sendAs: "Send as", guess: "photo, video, audio or file, by kind", exactFile: "file, every byte as it is", oneAlbum: "in one album", remove: "Remove", emptyFile: "{name} is empty: Telegram sends no empty files.", caption: "Add a caption…",
  dropFile: "Drop to send as a file", dropFileNote: "every byte stays as it is", dropMedia: "Drop to send as photo or video", dropMediaNote: "shown in the chat",
  reply: "Reply", copy: "Copy text", forward: "Forward to the bot", download: "Download", edit: "Edit", delete: "Delete", json: "Message as JSON", open: "Open", actions: "Message actions",
  forwardedFrom: "Forwarded from", replyTo: "Reply to {name}", editing: "Edit message", cancel: "Cancel", retry: "Try again", failed: "not sent: {reason}",
  photo: "Photo", video: "Video", audio: "Audio", voice: "Voice message", animation: "GIF", video_note: "Round video", sticker: "Sticker", document: "File", album: "Album", contact: "Contact", location: "Location", poll: "Poll",
  copied: "Copied", openLink: "Opened in a new tab", notHere: "This kind of button needs the real Telegram.", deleted: "This message is not here any more.", network: "The sandbox does not answer.",
  name: "Name", language: "Language", add: "Add", groupTitle: "Title (everybody here joins)", make: "Make", ok: "OK", sent: "sent", play: "Play", pause: "Pause", position: "Position", inlineWait: "Asking the bot…", inlineNone: "Nothing found.", inlineChosen: "Chosen; in real Telegram it would be sent to the chat.",
  typing: "typing", upload_photo: "sending a photo", record_video: "recording a video", upload_video: "sending a video", record_voice: "recording voice", upload_voice: "sending voice", upload_document: "sending a file", choose_sticker: "choosing a sticker", find_location: "looking for a place", record_video_note: "recording a video", upload_video_note: "sending a video",
  faultsTitle: "Faults on demand", faultsText: "Break the offline Telegram and Drive the way the real ones break, and watch nothing get lost.", arm: "Arm", disarm: "Disarm", clear: "Clear all", log: "Latest requests", clock: "{time} left",
};

const ru = {
  badge: "песочница: Telegram без сети", badgeShort: "песочница",
  people: "Люди", groups: "Группы", addPerson: "Добавить человека", addGroup: "Создать группу", faults: "Сбои по заказу", faultsArmed: "включено: {count}",
  theme: "Оформление", themeAuto: "как в системе", themeLight: "светлое", themeDark: "тёмное", beside: "Показать рядом", switchUser: "Сменить человека",
  bot: "бот", online: "в сети", lost: "соединяюсь снова", as: "вы — {name}", close: "Закрыть", members: "участников: {count}",
  noMessages: "Сообщений пока нет", you: "Вы", emptyTitle: "Что умеет этот бот?", emptyText: "Отправьте ему что угодно — окажется на вашем диске.", start: "Начать",
  today: "Сегодня", yesterday: "Вчера", edited: "изменено", earlier: "Показать более ранние", toBottom: "К новым сообщениям",
  write: "Сообщение", attach: "Прикрепить", send: "Отправить", menu: "Меню", commands: "Команды", noCommands: "У бота нет команд.",
  asPhoto: "Фото или видео", asFile: "Файл", asAlbum: "Альбом из нескольких", asAudio: "Аудио", asVoice: "Голосовое", asAnimation: "Анимация (GIF)", asRound: "Видеокружок", asSticker: "Стикер",
  sendAs: "Отправить как", guess: "фото, видео, аудио или файл — по виду", exactFile: "файл, байт в байт", oneAlbum: "одним альбомом", remove: "Убрать", emptyFile: "{name} пуст: Telegram не отправляет пустые файлы.", caption: "Подпись…",
  dropFile: "Бросьте, чтобы отправить файлом", dropFileNote: "байт в байт", dropMedia: "Бросьте, чтобы отправить как фото или видео", dropMediaNote: "будет видно в чате",
  reply: "Ответить", copy: "Копировать текст", forward: "Переслать боту", download: "Скачать", edit: "Изменить", delete: "Удалить", json: "Сообщение в JSON", open: "Открыть", actions: "Действия с сообщением",
  forwardedFrom: "Переслано от", replyTo: "Ответ: {name}", editing: "Изменение сообщения", cancel: "Отмена", retry: "Повторить", failed: "не отправлено: {reason}",
  photo: "Фото", video: "Видео", audio: "Аудио", voice: "Голосовое сообщение", animation: "GIF", video_note: "Видеокружок", sticker: "Стикер", document: "Файл", album: "Альбом", contact: "Контакт", location: "Место", poll: "Опрос",
  copied: "Скопировано", openLink: "Открыто в новой вкладке", notHere: "Такой кнопке нужен настоящий Telegram.", deleted: "Этого сообщения больше нет.", network: "Песочница не отвечает.",
  name: "Имя", language: "Язык", add: "Добавить", groupTitle: "Название (войдут все, кто здесь)", make: "Создать", ok: "Понятно", sent: "отправлено", play: "Слушать", pause: "Пауза", position: "Место записи", inlineWait: "Спрашиваю бота…", inlineNone: "Ничего не нашлось.", inlineChosen: "Выбрано; в настоящем Telegram оно ушло бы в чат.",
  typing: "печатает", upload_photo: "отправляет фото", record_video: "записывает видео", upload_video: "отправляет видео", record_voice: "записывает голосовое", upload_voice: "отправляет голосовое", upload_document: "отправляет файл", choose_sticker: "выбирает стикер", find_location: "ищет место", record_video_note: "записывает видео", upload_video_note: "отправляет видео",
  faultsTitle: "Сбои по заказу", faultsText: "Ломайте здешние Telegram и Диск так, как ломаются настоящие, и смотрите: ничего не теряется.", arm: "Включить", disarm: "Выключить", clear: "Убрать все", log: "Последние запросы", clock: "осталось {time}",
};

const tables = { en, ru };

/** A function that says `key` in `language` (English where we lack it), with {placeholders} filled. */
export function wordsOf(language) {
  const table = tables[String(language).slice(0, 2)] ?? en;
  const say = (key, params = {}) =>
    (table[key] ?? en[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => params[name] ?? whole);
  say.language = table === ru ? "ru" : "en";
  return say;
}
