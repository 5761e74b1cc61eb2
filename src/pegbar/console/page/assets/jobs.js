// Background jobs: what waits, runs and failed; trying again, cancelling. Productions that are being deleted.

import { get, post } from "./api.js";
import { badge, button, card, choice, confirmed, element, isAhead, number, say, table, when } from "./dom.js";

const STATES = { todo: "Waiting", doing: "Running", failed: "Failed", succeeded: "Done", cancelled: "Cancelled", aborted: "Stopped" };
const LOOKS = { failed: "bad", doing: "busy", succeeded: "good" };

function isLater(job) {
  return job.status === "todo" && isAhead(job.scheduled_at);
}

function state(job) {
  const words = job.is_stopping && job.status === "doing" ? "Stopping" : STATES[job.status] || job.status;
  const badged = badge(words, LOOKS[job.status]);
  if (isLater(job)) return [badged, " ", when(job.scheduled_at)];
  if (job.progress === null) return badged;
  return [badged, " ", element("progress", { max: 100, value: job.progress, "aria-label": "Progress" }), ` ${job.progress} %`];
}

// The name of a job, and what it is about on demand.
function named(job) {
  const name = element("code", {}, job.task_name);
  if (job.args === "{}") return name;
  return [name, element("details", { "data-key": `args ${job.id}` }, element("summary", {}, "Arguments"), element("code", {}, job.args))];
}

// What a job failed of: its first words, the whole of it on demand.
function cause(job) {
  if (!job.cause) return "";
  if (job.cause.length < 90) return job.cause;
  return element("details", { "data-key": `cause ${job.id}` }, element("summary", {}, `${job.cause.slice(0, 80)}…`), job.cause);
}

async function act(job, verb, title, text, yes, again) {
  if (!(await confirmed(title, text, yes))) return;
  try {
    const { status } = await post(`console/api/jobs/${job.id}/${verb}`);
    say({
      todo: `Job ${job.id} is in the queue again.`,
      cancelled: `Job ${job.id} is cancelled.`,
      stopping: `Job ${job.id} was told to stop.`,
    }[status]);
  } catch (failure) {
    say(failure.message, "bad");
  }
  document.activeElement?.blur();
  again();
}

function actions(job, again) {
  const name = `${job.task_name} (${job.id})`;
  const made = [];
  if (["failed", "cancelled", "aborted"].includes(job.status)) {
    made.push(button("Retry", () => act(job, "retry", "Try it again?", `${name} goes into the queue again, with all its attempts.`, "Retry", again),
      { "aria-label": `Retry job ${job.id}` }));
  }
  if (isLater(job)) {
    made.push(button("Now", () => act(job, "retry", "Try it now?", `${name} does not wait for its time.`, "Try it now", again),
      { "aria-label": `Try job ${job.id} now` }));
  }
  if (job.status === "todo" || (job.status === "doing" && !job.is_stopping)) {
    const running = job.status === "doing";
    made.push(button("Cancel", () => act(job, "cancel", running ? "Stop the job?" : "Cancel the job?",
      running ? `${name} is told to stop. What it has done stays done.` : `${name} is not done. Retry brings it back.`,
      running ? "Stop it" : "Cancel it", again), { class: "danger", "aria-label": `Cancel job ${job.id}` }));
  }
  return made;
}

export function jobTable(caption, rows, again, nothing) {
  return table(caption, [
    { title: "Id", kind: "number", cell: (job) => String(job.id) },
    { title: "Job", cell: named },
    { title: "State", cell: state },
    { title: "Attempts", kind: "number", cell: (job) => String(job.attempts) },
    { title: "Last change", cell: (job) => when(job.last_change) },
    { title: "Cause", kind: "wide", cell: cause },
    { title: "Actions", hidden: true, kind: "actions", cell: (job) => actions(job, again) },
  ], rows, nothing);
}

function removals(rows) {
  return table("Productions being deleted", [
    { title: "Production", cell: (row) => row.project_name },
    { title: "Deleted by", cell: (row) => row.requested_by },
    { title: "Since", cell: (row) => when(row.requested_at) },
    { title: "Rows", cell: (row) => [element("progress", { max: Math.max(row.total, 1), value: row.removed, "aria-label": "Progress" }),
      ` ${number(row.removed)} of ${number(row.total)}`] },
    { title: "Now", cell: (row) => row.doing },
    { title: "Last error", kind: "wide", cell: (row) => row.last_error ? element("span", { class: "wrong" }, row.last_error) : "" },
  ], rows, "No production is being deleted.");
}

export function jobs(again) {
  let status = "open";
  let job = "";
  const states = choice("State", [["open", "All but done"], ...Object.entries(STATES), ["", "All"]], status, (value) => { status = value; again(); });
  const kinds = element("select", { onchange: () => { job = kinds.value; again(); } }, element("option", { value: "" }, "All"));
  async function read() {
    const [listed, going] = await Promise.all([get("console/api/jobs", { status, job }), get("console/api/removals")]);
    if (document.activeElement !== kinds) {
      const known = new Set(listed.kinds);
      if (job) known.add(job);
      kinds.replaceChildren(element("option", { value: "" }, "All"),
        ...[...known].sort().map((name) => element("option", { value: name, selected: name === job }, name)));
    }
    const counts = Object.entries(STATES).filter(([name]) => listed.counts[name])
      .map(([name, words]) => badge(`${number(listed.counts[name])} ${words.toLowerCase()}`, LOOKS[name]));
    return [
      element("p", { class: "counts", "aria-label": "All jobs by state" }, counts.length ? counts : "No jobs."),
      card("Jobs", jobTable("Jobs", listed.jobs, again, status === "open" ? "No job waits, runs or failed." : "No job is in this state.")),
      card("Productions being deleted", removals(going)),
    ];
  }
  return { controls: [states, element("label", { class: "field" }, "Job", kinds)], read, every: 5 };
}
