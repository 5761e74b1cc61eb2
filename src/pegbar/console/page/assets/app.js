// The console: who may, which panel is shown, and when it is read again.

import { Failure, get } from "./api.js";
import { button, clock, element, say } from "./dom.js";
import { signIn } from "./sign_in.js";
import { overview } from "./overview.js";
import { jobs } from "./jobs.js";
import { events } from "./events.js";
import { sessions } from "./sessions.js";
import { storage } from "./storage.js";
import { mails, slowRequests } from "./problems.js";
import { settings } from "./settings.js";
import { log } from "./log.js";

// A panel makes its controls once, and its content each time it is read: {controls, read() -> elements, every}.
const PANELS = {
  overview: ["Overview", overview],
  jobs: ["Jobs", jobs],
  events: ["Events", events],
  sessions: ["Sessions", sessions],
  storage: ["Storage", storage],
  mails: ["Mails", mails],
  slow: ["Slow requests", slowRequests],
  settings: ["Settings", settings],
  log: ["Log", log],
};

const main = document.getElementById("main");
const nav = document.getElementById("panels");
const whose = document.getElementById("whose");
let shown = null;

function named() {
  const name = location.hash.slice(2);
  return name in PANELS ? name : "overview";
}

// Whether reading again would take something out of somebody's hands.
function isBusy(content) {
  const selected = document.getSelection();
  return document.hidden || document.getElementById("ask").open
    || (content.contains(document.activeElement) && document.activeElement !== content)
    || (!selected.isCollapsed && content.contains(selected.anchorNode));
}

class Shown {
  constructor(name) {
    const [title, make] = PANELS[name];
    this.at = element("span", { class: "at" });
    this.wrong = element("p", { class: "wrong", role: "alert" });
    this.content = element("div", { class: "content" }, element("p", { class: "nothing" }, "Reading…"));
    this.panel = make(() => this.read());
    const again = button("Refresh", () => this.read());
    this.heading = element("h1", { tabindex: "-1" }, title);
    main.replaceChildren(
      element("div", { class: "title" }, this.heading, element("p", { class: "controls" }, this.panel.controls || [], again, this.at)),
      this.wrong, this.content);
    document.title = `${title} · Pegbar console`;
    this.read();
    if (this.panel.every) this.timer = setInterval(() => { if (!isBusy(this.content)) this.read(); }, this.panel.every * 1000);
  }

  // Answers that come late are of a question that was asked before: the last one counts.
  async read() {
    const turn = this.turn = {};
    try {
      const made = await this.panel.read();
      if (this.turn !== turn || shown !== this) return;
      const opened = new Set([...this.content.querySelectorAll("details[open][data-key]")].map((one) => one.dataset.key));
      this.content.replaceChildren(...[made].flat());
      for (const one of this.content.querySelectorAll("details[data-key]")) one.open = opened.has(one.dataset.key);
      this.wrong.textContent = "";
      this.at.replaceChildren("Read at ", clock(new Date().toISOString()));
    } catch (failure) {
      if (this.turn !== turn || shown !== this) return;
      if (!refused(failure)) this.wrong.textContent = failure.message;
      if (!(failure instanceof Failure)) console.error(failure);
    }
  }

  end() {
    clearInterval(this.timer);
    this.panel.end?.();
  }
}

function show({ move = true } = {}) {
  shown?.end();
  const name = named();
  for (const link of nav.querySelectorAll("a")) {
    const isShown = link.hash === `#/${name}`;
    if (isShown) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (isShown) nav.scrollTo({ left: link.offsetLeft - (nav.clientWidth - link.offsetWidth) / 2 });  // on a phone
  }
  shown = null;
  shown = new Shown(name);
  if (move) shown.heading.focus();
}

function leave() {
  shown?.end();
  shown = null;
  nav.hidden = true;
}

// Signed out, or not allowed (any more): true when that is told.
function refused(failure) {
  if (failure.status === 401 || failure.status === 422) {
    leave();
    whose.replaceChildren();
    signIn(main, start, shown === null ? "" : "Your session is over.");
    return true;
  }
  if (failure.status === 403) {
    leave();
    main.replaceChildren(element("section", { class: "card" },
      element("h1", { tabindex: "-1" }, "403: this is for studio managers"),
      element("p", {}, failure.body.two_factor_authentication_required ? failure.message
        : "The console is for the administrators of this server. Your account has another role.")));
    return true;
  }
  return false;
}

async function signOut() {
  try {
    await get("auth/logout");
  } catch (failure) {
    say(failure.message, "bad");
    return;
  }
  leave();
  whose.replaceChildren();
  signIn(main, start);
}

async function start() {
  try {
    const { user } = await get("auth/authenticated");
    whose.replaceChildren(element("span", { class: "name" }, user.full_name || user.email || ""), button("Sign out", signOut));
    await get("console/api/removals");  // whether this person may
  } catch (failure) {
    if (!refused(failure)) main.replaceChildren(element("p", { class: "wrong", role: "alert" }, failure.message),
      button("Try again", start));
    return;
  }
  nav.replaceChildren(...Object.entries(PANELS).map(([name, [title]]) => element("a", { href: `#/${name}` }, title)));
  nav.hidden = false;
  show({ move: false });
}

window.addEventListener("hashchange", () => { if (!nav.hidden) show(); });
start();
