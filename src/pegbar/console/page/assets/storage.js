// What is stored: by production, what belongs to nothing, and how it grows.

import { get, post } from "./api.js";
import { button, card, element, facts, number, plural, say, size, table, when } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const DAYS = 30;

function drawn(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

// Bars of what was added a day, over a month.
function growth(added) {
  const bytes = new Map(added.map((day) => [day.day, day.bytes]));
  const days = Array.from({ length: DAYS }, (_, back) =>
    new Date(Date.now() - (DAYS - 1 - back) * 86400000).toISOString().slice(0, 10));
  const most = Math.max(...days.map((day) => bytes.get(day) || 0));
  const total = days.reduce((sum, day) => sum + (bytes.get(day) || 0), 0);
  if (!total) return element("p", { class: "nothing" }, "Nothing was added in the last 30 days.");
  const words = `${size(total)} in 30 days, at most ${size(most)} in one`;
  const bars = days.map((day, place) => {
    const height = Math.max((58 * (bytes.get(day) || 0)) / most, bytes.get(day) ? 1 : 0);
    return drawn("rect", { x: place * 10 + 1, y: 59 - height, width: 8, height, class: "bar" },
      drawn("title", {}, `${day}: ${size(bytes.get(day) || 0)}`));
  });
  return element("figure", {}, drawn("svg", { viewBox: "0 0 300 60", role: "img", "aria-label": words, class: "bars", preserveAspectRatio: "none" },
    ...bars, drawn("line", { x1: 0, x2: 300, y1: 59.5, y2: 59.5, class: "axis" })),
    element("figcaption", {}, `${words} · ${days[0]} to ${days[DAYS - 1]}`));
}

function change(history) {
  if (history.length < 2) return null;
  const [first, last] = [history[0], history[history.length - 1]];
  const more = last.bytes - first.bytes;
  return `${more < 0 ? "−" : "+"}${size(Math.abs(more))} since ${first.day}`;
}

export function storage(again) {
  let counted;
  let waiting = false;
  const count = button("Count now", async () => {
    try {
      await post("console/api/storage/count");
      waiting = true;
      say("What is stored is being counted; this page shows it when it is done.");
    } catch (failure) {
      say(failure.message, "bad");
    }
    again();
  });

  async function read() {
    const seen = await get("console/api/storage");
    if (waiting && seen.counted_at !== counted && !seen.is_being_counted) {
      waiting = false;
      say("What is stored was counted.");
    }
    counted = seen.counted_at;
    count.disabled = seen.is_being_counted;
    if (!seen.report) {
      return element("p", { class: "nothing" }, seen.is_being_counted ? "It is being counted…"
        : "Nothing was counted yet: that happens each night, or when you ask for it.");
    }
    const { report } = seen;
    const movies = Object.entries(seen.movies).map(([state, n]) => `${number(n)} ${state}`).join(", ");
    return [
      card("In all", facts([
        ["Counted", [when(seen.counted_at), seen.is_being_counted ? ", and being counted again…" : ""]],
        ["Files", `${number(report.total.files)}, ${size(report.total.bytes)}`],
        ["Growth", change(seen.history)],
        ["Database", size(report.database)],
        ["Of no production", `${plural(report.studio.files, "file")}, ${size(report.studio.bytes)} (pictures of people and the like)`],
        ["Orphans", `${plural(report.orphans.files, "file")}, ${size(report.orphans.bytes)}`],
        ["Deleted, to be removed", `${plural(report.leaving.files, "file")}, ${size(report.leaving.bytes)}`],
        ["Movies", movies || null],
      ]),
      report.orphans.files ? element("p", { class: "dim" }, "Orphans are files whose rows are gone. They do no harm; REMOVE_FILES=true keeps new ones from staying.") : null,
      report.leaving.stuck ? element("p", { class: "wrong" }, `${plural(report.leaving.stuck, "file")} cannot be removed: ${report.leaving.error}`) : null),
      card("Added in the last 30 days", growth(report.added)),
      card("By production", table("Stored files by production", [
        { title: "Production", cell: (row) => row.name },
        { title: "Files", kind: "number", cell: (row) => number(row.files) },
        { title: "Size", kind: "number", cell: (row) => size(row.bytes) },
        { title: "Share", cell: (row) => element("meter", { min: 0, max: Math.max(report.total.bytes, 1), value: row.bytes,
          "aria-label": `${Math.round((100 * row.bytes) / Math.max(report.total.bytes, 1))} %` }) },
      ], report.projects, "No production has files.")),
      card("By kind", table("Stored files by kind", [
        { title: "Kind", cell: (row) => `${row.bucket} / ${row.prefix}` },
        { title: "Files", kind: "number", cell: (row) => number(row.files) },
        { title: "Size", kind: "number", cell: (row) => size(row.bytes) },
      ], report.kinds, "Nothing is stored.")),
    ];
  }

  return { controls: [count], read, every: 4 };
}
