// The settings in force, and where each comes from.

import { get } from "./api.js";
import { badge, card, element, search, table } from "./dom.js";

function value(row) {
  if (row.value === "") return element("span", { class: "dim" }, "not set");
  return element("code", {}, row.value);
}

// The little Markdown of descriptions: `code`.
function prose(text) {
  return text.split(/`([^`]*)`/).map((part, place) => (place % 2 ? element("code", {}, part) : part));
}

export function settings(again) {
  let words = "";
  let onlySet = false;
  const set = element("input", { type: "checkbox", onchange: () => { onlySet = set.checked; again(); } });
  async function read() {
    const sections = await get("console/api/settings");
    const fits = (row) => (!onlySet || row.origin !== "default")
      && `${row.variable} ${row.value} ${row.help}`.toLowerCase().includes(words);
    const shown = sections.map(({ section, settings: rows }) => [section, rows.filter(fits)]).filter(([, rows]) => rows.length);
    if (!shown.length) return element("p", { class: "nothing" }, "No setting fits.");
    return [
      element("p", { class: "dim" }, "Of the process that answered. Secrets are never shown. Settings change with a restart of the server."),
      ...shown.map(([section, rows]) => card(section, table(section, [
        { title: "Setting", cell: (row) => element("code", {}, row.variable) },
        { title: "Value", cell: value },
        { title: "From", cell: (row) => row.origin === "default" ? "default" : badge(row.origin, "busy") },
        { title: "Meaning", kind: "wide", cell: (row) => prose(row.help) },
      ], rows))),
    ];
  }
  return { controls: [search("Setting", (typed) => { words = typed.toLowerCase(); again(); }),
    element("label", { class: "tick" }, set, "Only what is set")], read };
}
