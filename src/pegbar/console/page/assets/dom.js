// What panels are made of: elements, tables, times, sizes, and words to whoever looks after the server.

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

// A table that is a list of cards on a phone. `columns` are {title, cell(row)}: the cell is text or elements.
export function table(caption, columns, rows, nothing = "Nothing.") {
  if (!rows.length) return element("p", { class: "nothing" }, nothing);
  const head = element("thead", { role: "rowgroup" }, element("tr", { role: "row" },
    columns.map(({ title, hidden }) => element("th", { role: "columnheader", scope: "col" },
      hidden ? element("span", { class: "unseen" }, title) : title))));
  const body = element("tbody", { role: "rowgroup" }, rows.map((row) => element("tr", { role: "row" },
    columns.map(({ title, cell, kind, hidden }) => {
      const content = cell(row);
      const empty = content === "" || content === null || content === undefined;
      return element("td", { role: "cell", class: [kind, empty && "empty"].filter(Boolean).join(" ") || null,
        "data-title": hidden ? "" : title }, empty ? null : element("div", {}, content));
    }))));
  return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element("table", { role: "table" }, element("caption", { class: "unseen" }, caption), head, body));
}

// What there is to know, as terms and what they are.
export function facts(pairs) {
  return element("dl", { class: "facts" }, pairs.filter(([, value]) => value !== null && value !== undefined)
    .map(([term, value]) => element("div", {}, element("dt", {}, term), element("dd", {}, value))));
}

export function card(title, ...children) {
  return element("section", { class: "card" }, element("h2", {}, title), ...children);
}

export function box(...children) {
  return element("div", { class: "card" }, ...children);
}

export function button(label, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, label);
}

export function choice(label, options, value, onchange) {
  const select = element("select", { onchange: () => onchange(select.value) },
    options.map(([key, words]) => element("option", { value: key, selected: key === value }, words)));
  return element("label", { class: "field" }, label, select);
}

// A field to search by: what was typed counts when typing stops.
export function search(label, onchange) {
  let waiting;
  const input = element("input", { type: "search", autocomplete: "off", oninput: () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => onchange(input.value.trim()), 250);
  } });
  return element("label", { class: "field" }, label, input);
}

export function badge(words, kind) {
  return element("span", { class: `badge ${kind || ""}` }, words);
}

const MOMENT = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const CLOCK = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });

// A moment of the server (UTC); null for none, and for one that no browser reads: infinity, years of five digits.
function parsed(moment) {
  if (!moment) return null;
  const at = new Date(/[zZ]$|[+-]\d\d:\d\d$/.test(moment) ? moment : `${moment}Z`);
  return Number.isNaN(at.getTime()) ? null : at;
}

// One that cannot be read is shown as the server wrote it.
function timed(moment, words) {
  const at = parsed(moment);
  return at === null ? String(moment) : element("time", { datetime: at.toISOString(), title: MOMENT.format(at) }, words(at));
}

export function isAhead(moment) {
  return parsed(moment) > new Date();
}

export function ago(seconds) {
  const past = Math.max(seconds, 0);
  if (past < 60) return `${Math.round(past)} s`;
  if (past < 3600) return `${Math.round(past / 60)} min`;
  if (past < 172800) return `${Math.round(past / 3600)} h`;
  return `${Math.round(past / 86400)} days`;
}

// A moment told as how long ago it is or will be; the whole of it as a hint. Null for none.
export function when(moment) {
  if (!moment) return null;
  return timed(moment, (at) => {
    const seconds = (Date.now() - at.getTime()) / 1000;
    return seconds >= -1 ? `${ago(seconds)} ago` : `in ${ago(-seconds)}`;
  });
}

export function clock(moment) {
  return moment ? timed(moment, (at) => CLOCK.format(at)) : "—";
}

export function size(bytes) {
  if (bytes === null || bytes === undefined) return null;
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let place = 0;
  let value = Number(bytes);
  while (value >= 1000 && place < units.length - 1) {
    value /= 1000;
    place += 1;
  }
  return `${value.toLocaleString("en-GB", { maximumFractionDigits: value < 10 && place ? 1 : 0 })} ${units[place]}`;
}

export function number(value) {
  return Number(value).toLocaleString("en-GB");
}

export function plural(count, one, many = `${one}s`) {
  return `${number(count)} ${Number(count) === 1 ? one : many}`;
}

// Says what happened, for eyes and for screen readers.
let hush;
export function say(words, kind = "good") {
  const said = document.getElementById("said");
  said.className = kind;
  said.textContent = words;
  clearTimeout(hush);
  hush = setTimeout(() => { said.textContent = ""; said.className = ""; }, 8000);
}

// Asks before something is done; true when it is wanted.
export function confirmed(title, text, yes) {
  const dialog = document.getElementById("ask");
  document.getElementById("ask-title").textContent = title;
  document.getElementById("ask-text").textContent = text;
  const [no, go] = [document.getElementById("ask-no"), document.getElementById("ask-yes")];
  go.textContent = yes;
  return new Promise((settle) => {
    const end = (answer) => { dialog.onclose = null; if (dialog.open) dialog.close(); settle(answer); };
    no.onclick = () => end(false);
    go.onclick = () => end(true);
    dialog.onclose = () => end(false);  // Escape
    dialog.showModal();
    no.focus();
  });
}
