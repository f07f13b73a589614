// The sandbox's chat API as functions; every failure is an Error whose message a person may read.

async function answer(response) {
  if (response.ok) return response.json();
  const body = await response.json().catch(() => ({}));
  throw new Error(body.description || body.error?.message || body.error || `${response.status} ${response.statusText}`);
}

const get = async (path) => answer(await fetch(path, { cache: "no-store" }));

const post = async (path, body) =>
  answer(await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }));

const query = (fields) => new URLSearchParams(Object.entries(fields).filter(([, value]) => value != null)).toString();

/** `place` is {user_id, chat_id?} everywhere: who acts, and in which group if not in the private chat. */
export const state = (place) => get(`/chat/api/state?${query(place)}`);
export const sendText = (place, text, replyTo) => post("/chat/api/messages", { ...place, text, reply_to_message_id: replyTo });
export const editText = (place, messageId, text) => post("/chat/api/edit", { ...place, message_id: messageId, text });
export const deleteMessage = (place, messageId) => post("/chat/api/delete", { ...place, message_id: messageId });
export const forward = (place, messageId) => post("/chat/api/forward", { ...place, message_id: messageId });
export const press = (place, messageId, data) => post("/chat/api/press", { ...place, message_id: messageId, data });
export const addUser = (firstName, languageCode) => post("/chat/api/users", { first_name: firstName, language_code: languageCode });
export const addGroup = (title, memberIds) => post("/chat/api/groups", { title, member_ids: memberIds });
export const inline = (place, text, offset = "") => post("/chat/api/inline", { user_id: place.user_id, query: text, offset });
export const chooseInline = (place, resultId, text) =>
  post("/chat/api/inline/choose", { user_id: place.user_id, result_id: resultId, query: text });
export const faults = () => get("/sandbox/faults");
export const addFault = (rule) => post("/sandbox/faults", rule);
export const clearFaults = async () => answer(await fetch("/sandbox/faults", { method: "DELETE" }));
export const requestLog = (since) => get(`/sandbox/log?${query({ since })}`);

export const fileUrl = (fileId, { inline: isInline = false } = {}) =>
  `/chat/api/file/${encodeURIComponent(fileId)}${isInline ? "?inline=1" : ""}`;

/** Upload files in one request (several make an album). Returns {done: Promise<Message[]>, cancel()}. */
export function sendFiles(place, files, { kind, caption, replyTo, onProgress }) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ ...place, kind, caption, reply_to_message_id: replyTo }))
    if (value != null && value !== "") form.append(name, value);
  for (const file of files) form.append("file", file, file.name);
  const request = new XMLHttpRequest(); // fetch cannot tell how far an upload is
  const done = new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.onload = () => {
      const body = JSON.parse(request.responseText || "{}");
      if (request.status === 200) resolve(body.messages);
      else reject(new Error(body.description || `${request.status} ${request.statusText}`));
    };
    request.onerror = () => reject(new Error("network"));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
  });
  request.open("POST", "/chat/api/files");
  request.send(form);
  return { done, cancel: () => request.abort() };
}

/**
 * Follow a person's events for ever. The browser reconnects by itself with Last-Event-ID; where it gives up (the server answered
 * an error while starting) we do, a little later each time. `onReturn` is called after a gap: what was shown may be stale.
 */
export function follow(userId, after, { onEvent, onLost, onReturn }) {
  let source;
  let seq = after;
  let isLost = false;
  let waitMs = 500;
  let timer;
  const open = () => {
    source = new EventSource(`/chat/api/events?${query({ user_id: userId, after: seq })}`);
    source.onopen = () => {
      waitMs = 500;
      if (isLost) onReturn();
      isLost = false;
    };
    source.onmessage = (event) => {
      seq = Number(event.lastEventId) || seq;
      onEvent(JSON.parse(event.data));
    };
    source.onerror = () => {
      if (!isLost) onLost();
      isLost = true;
      if (source.readyState !== EventSource.CLOSED) return;
      timer = setTimeout(open, waitMs);
      waitMs = Math.min(waitMs * 1.6, 5000);
    };
  };
  open();
  return { close: () => (clearTimeout(timer), source.close()) };
}
