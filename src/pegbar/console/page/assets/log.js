// What all processes logged in the last hour.

import { get } from "./api.js";
import { badge, box, choice, clock, element, search, table } from "./dom.js";

const KINDS = { api: "API", worker: "worker", sockets: "sockets", serve: "supervisor" };
const LOOKS = { error: "bad", critical: "bad", warning: "warn" };

function message(line) {
  const details = Object.entries(line.details).map(([name, words]) => `${name}=${words}`).join(" ");
  const shown = [element("span", {}, line.message), details ? element("span", { class: "dim" }, ` ${details}`) : ""];
  if (line.trace) {
    shown.push(element("details", { "data-key": `trace ${line.number}` }, element("summary", {}, "Traceback"), element("pre", {}, line.trace)));
  }
  return shown;
}

export function log(again) {
  let level = "debug";
  let words = "";
  async function read() {
    const lines = await get("console/api/log", { level, words });
    return box(table("Log of the last hour", [
      { title: "At", cell: (line) => clock(line.at) },
      { title: "Level", cell: (line) => badge(line.level, LOOKS[line.level]) },
      { title: "Process", cell: (line) => `${KINDS[line.kind] || line.kind} ${line.process} on ${line.host}` },
      { title: "Message", kind: "wide", cell: message },
    ], lines.reverse(), words || level !== "debug" ? "No line fits." : "Nothing was logged in the last hour."));
  }
  return {
    controls: [
      choice("Level", [["debug", "All"], ["warning", "Warnings and errors"], ["error", "Errors"]], level, (value) => { level = value; again(); }),
      search("Words", (value) => { words = value; again(); }),
    ],
    read,
    every: 5,
  };
}
