// What happens, as it happens: the events that live sockets get, from the log of a week.

import { get } from "./api.js";
import { box, button, choice, clock, element, search, table } from "./dom.js";

const MOST = 300;

export function events(again) {
  let cursor = null;
  let name = "";
  let project = "";
  let paused = false;
  const seen = [];
  const people = new Map();
  const productions = new Map();
  const projects = element("select", { onchange: () => { project = projects.value; again(); } }, element("option", { value: "" }, "All"));
  const pause = button("Pause", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    if (!paused) again();
  });

  async function begin() {
    const [page, latest, open] = await Promise.all([
      get("data/events/since"), get("data/events/last", { limit: 50 }), get("data/projects/open")]);
    cursor = page.cursor;
    seen.push(...latest);
    for (const production of open) productions.set(production.id, production.name);
    projects.append(...[...productions].sort((a, b) => a[1].localeCompare(b[1])).map(([id, title]) => element("option", { value: id }, title)));
  }

  async function goOn() {
    let more = true;
    while (more) {
      let page;
      try {
        page = await get("data/events/since", { cursor, limit: 200 });
      } catch (failure) {
        if (failure.status !== 410) throw failure;
        page = await get("data/events/since");  // too old: from now on
      }
      ({ cursor, more } = page);
      const known = new Set(seen.map((event) => event.id));
      seen.unshift(...page.events.filter((event) => !known.has(event.id)).reverse());
    }
    seen.length = Math.min(seen.length, MOST);
  }

  function who(id) {
    if (!id) return "";
    if (!people.has(id)) {
      people.set(id, get(`data/persons/${id}`, { relations: "false" }).then((person) => person.full_name || person.email || id, () => id));
    }
    const shown = element("span", {}, "…");
    people.get(id).then((words) => { shown.textContent = words; });
    return shown;
  }

  async function read() {
    if (cursor === null) await begin();
    else if (!paused) await goOn();
    const rows = seen.filter((event) => event.name.includes(name) && (!project || event.project_id === project));
    return box(table("Events", [
      { title: "At", cell: (event) => clock(event.created_at) },
      { title: "Event", cell: (event) => element("code", {}, event.name) },
      { title: "Production", cell: (event) => event.project_id ? productions.get(event.project_id) || event.project_id : "" },
      { title: "By", cell: (event) => who(event.user_id) },
      { title: "What", kind: "wide", cell: (event) => element("details", { "data-key": event.id },
        element("summary", {}, "Payload"), element("pre", {}, JSON.stringify(event.data, null, 1))) },
    ], rows, seen.length ? "No event fits." : "No event yet."));
  }

  const words = search("Event", (value) => { name = value.toLowerCase(); again(); });
  return { controls: [words, element("label", { class: "field" }, "Production", projects), pause], read, every: 3 };
}
