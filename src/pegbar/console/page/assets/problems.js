// Mails that did not go out, and requests that took long.

import { get } from "./api.js";
import { badge, card, choice, element, number, table, when } from "./dom.js";
import { jobTable } from "./jobs.js";

export function mails(again) {
  async function read() {
    const seen = await get("console/api/mails");
    const state = !seen.enabled ? "Mails are off (MAIL_ENABLED)."
      : seen.server ? `Mails go out by ${seen.server}.` : "There is no MAIL_SERVER: mails are written to the log.";
    return [
      element("p", {}, state),
      card("Failed, or waiting after a failure", jobTable("Jobs that send mails", seen.jobs, again, "No mail failed.")),
      card("Refused in the last 30 days", table("Refused mails", [
        { title: "At", cell: (mail) => when(mail.at) },
        { title: "To", cell: (mail) => mail.recipient },
        { title: "Subject", cell: (mail) => mail.subject },
        { title: "Why", kind: "wide", cell: (mail) => mail.reason },
      ], seen.refused, "No mail was refused.")),
    ];
  }
  return { read, every: 10 };
}

function seconds(value) {
  return `${value.toLocaleString("en-GB", { maximumFractionDigits: 2 })} s`;
}

export function slowRequests(again) {
  let hours = "24";
  const spans = choice("Of", [["1", "the last hour"], ["24", "the last day"], ["168", "the last week"]], hours,
    (value) => { hours = value; again(); });
  async function read() {
    const seen = await get("console/api/slow-requests", { hours });
    if (!seen.threshold) return element("p", { class: "nothing" }, "Slow requests are not noted (PEGBAR_SLOW_REQUEST=0).");
    return [
      element("p", {}, `Requests that took ${seconds(seen.threshold)} or longer until the first byte of their answer, uploads aside (PEGBAR_SLOW_REQUEST).`),
      card("By route", table("Slow requests by route", [
        { title: "Route", cell: (row) => element("code", {}, `${row.method} ${row.route}`) },
        { title: "Requests", kind: "number", cell: (row) => number(row.requests) },
        { title: "Median", kind: "number", cell: (row) => seconds(row.median) },
        { title: "Slowest", kind: "number", cell: (row) => seconds(row.slowest) },
      ], seen.routes, "No request was slow.")),
      card("The latest", table("The latest slow requests", [
        { title: "At", cell: (row) => when(row.at) },
        { title: "Route", cell: (row) => element("code", {}, `${row.method} ${row.route}`) },
        { title: "Took", kind: "number", cell: (row) => seconds(row.seconds) },
        { title: "Answer", cell: (row) => badge(String(row.status), row.status >= 500 ? "bad" : "") },
        { title: "Who", cell: (row) => row.person },
        { title: "Node", cell: (row) => row.host },
      ], seen.requests, "No request was slow.")),
    ];
  }
  return { controls: [spans], read, every: 15 };
}
