// Who is signed in, and which API tokens there are; ending them.

import { get, remove } from "./api.js";
import { badge, box, button, confirmed, element, number, say, search, table, when } from "./dom.js";

const KINDS = { person: "Session", person_api: "API token", bot: "Bot's API token" };

// What a user agent says, in a few words.
function program(agent) {
  if (!agent) return "";
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)\/([\d]+)/.exec(agent);
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(agent);
  const words = browser ? `${{ Edg: "Edge", OPR: "Opera" }[browser[1]] || browser[1]} ${browser[2]}` : agent.split(" ")[0];
  return element("span", { title: agent }, system && browser ? `${words}, ${system[1]}` : words.slice(0, 60));
}

export function sessions(again) {
  let words = "";

  async function end(session) {
    const what = session.kind === "person" ? "session" : "API token";
    const text = session.is_yours
      ? `This is your own ${what}: you are signed out at once.`
      : `The ${what} of ${session.name || session.email} ends at once, everywhere.${session.kind === "person" ? " They can sign in again." : " Scripts that use it are refused."}`;
    if (!(await confirmed(`End the ${what}?`, text, "End it"))) return;
    try {
      await remove(`console/api/sessions/${encodeURIComponent(session.id)}`);
      say(`The ${what} of ${session.name || session.email} is over.`);
    } catch (failure) {
      say(failure.message, "bad");
    }
    document.activeElement?.blur();
    again();
  }

  async function read() {
    const rows = await get("console/api/sessions", { words });
    return box(table("Sessions and API tokens", [
      { title: "Who", cell: (session) => [session.name, session.is_yours ? [" ", badge("you", "busy")] : "",
        session.email && session.email !== session.name ? element("div", { class: "dim" }, session.email) : ""].flat() },
      { title: "Role", cell: (session) => session.role },
      { title: "Kind", cell: (session) => KINDS[session.kind] || session.kind },
      { title: "From", cell: (session) => session.address },
      { title: "With", cell: (session) => program(session.agent) },
      { title: "Last use", cell: (session) => when(session.seen_at) || "not known" },
      { title: "Requests", kind: "number", cell: (session) => number(session.requests) },
      { title: "Ends", cell: (session) => when(session.expires_at) || "never" },
      { title: "Actions", hidden: true, kind: "actions", cell: (session) => button("End", () => end(session),
        { class: "danger", "aria-label": `End the ${KINDS[session.kind]} of ${session.name || session.email}` }) },
    ], rows, words ? "Nobody fits." : "Nobody is signed in."));
  }

  return { controls: [search("Name, e-mail or address", (value) => { words = value; again(); })], read, every: 15 };
}
