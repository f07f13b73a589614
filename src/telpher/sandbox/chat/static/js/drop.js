// Dragging files over the page: zones cover the column under the pointer, one for each way to send.

import { h, icon } from "./dom.js";

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** Let `column` take files; `onDrop(files, way)`. */
export function acceptDrops(column, say, onDrop) {
  let overlay = null;
  let depth = 0; // dragenter and dragleave come for every child

  const close = () => {
    depth = 0;
    overlay?.remove();
    overlay = null;
  };
  const zone = (way, iconName, title, note) => {
    const node = h("div.zone", { dataset: { way } }, icon(iconName), h("b", {}, say(title)), h("span", {}, say(note)));
    node.addEventListener("dragenter", () => node.classList.add("over"));
    node.addEventListener("dragleave", () => node.classList.remove("over"));
    return node;
  };
  const open = (items) => {
    const showable = [...items].some((item) => /^(image|video)\//.test(item.type));
    overlay = h("div.drop", {}, zone("document", "file", "dropFile", "dropFileNote"), showable && zone("guess", "picture", "dropMedia", "dropMediaNote"));
    column.append(overlay);
  };

  column.addEventListener("dragenter", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    depth += 1;
    if (!overlay) open(event.dataTransfer.items);
  });
  column.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
  });
  column.addEventListener("dragleave", (event) => {
    if (!hasFiles(event)) return;
    depth -= 1;
    if (depth <= 0) close();
  });
  column.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    const way = event.target.closest?.(".zone")?.dataset.way ?? "document";
    // Folders come as entries without bytes: leave them out rather than send something empty.
    const files = [...event.dataTransfer.items].filter((item) => item.kind === "file" && !item.webkitGetAsEntry?.()?.isDirectory).map((item) => item.getAsFile());
    close();
    onDrop(files.filter(Boolean), way);
  });
}

/** A file dropped beside every column must not replace the page. */
export function ignoreOtherDrops() {
  for (const name of ["dragover", "drop"]) addEventListener(name, (event) => hasFiles(event) && event.preventDefault());
}
