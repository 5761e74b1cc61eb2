// What runs.

import { get } from "./api.js";
import { ago, badge, card, element, facts, number, plural, size, table, when } from "./dom.js";

const KINDS = { api: "API", worker: "Job worker", sockets: "Live sockets" };

function warnings(seen) {
  const found = [];
  const versions = new Set(seen.nodes.map((node) => node.version));
  if (versions.size > 1) found.push(`Processes of several versions run: ${[...versions].sort().join(", ")}.`);
  if (seen.differing.includes("SECRET_KEY")) found.push("Nodes have different secret keys: who signs in at one is refused at others.");
  else if (seen.differing.length) found.push(`Nodes differ in settings they should share: ${seen.differing.join(", ")}.`);
  if (!seen.workers.length) found.push("No job worker runs: no mails, no movies, no tidying up. Start pegbar serve, or pegbar worker.");
  if (!seen.database.listeners) found.push("No process listens for live events: nobody sees changes without loading again.");
  const late = seen.queue.filter((job) => job.oldest > 900);
  if (late.length) found.push(`Jobs wait for more than 15 minutes: ${late.map((job) => job.job).join(", ")}.`);
  for (const disk of seen.storage.disks) {
    if (disk.free < Math.max(1e9, disk.total * 0.05)) found.push(`Only ${size(disk.free)} are free for ${disk.of} (${disk.folder}).`);
  }
  return found.length
    ? element("ul", { class: "warnings", "aria-label": "What needs attention" }, found.map((words) => element("li", {}, words)))
    : element("p", { class: "fine" }, "Nothing needs attention.");
}

function diskRows(disks) {
  return table("Disks", [
    { title: "For", cell: (disk) => disk.of },
    { title: "Folder", cell: (disk) => element("code", {}, disk.folder) },
    { title: "Free", cell: (disk) => `${size(disk.free)} of ${size(disk.total)}` },
    { title: "Used", cell: (disk) => element("meter", { min: 0, max: disk.total, high: disk.total * 0.9, value: disk.total - disk.free,
      "aria-label": `${Math.round(100 - (100 * disk.free) / disk.total)} % used` }) },
  ], disks);
}

export function overview() {
  async function read() {
    const seen = await get("console/api/overview");
    const { database: db, queue } = seen;
    const sum = (state) => queue.reduce((total, job) => total + job[state], 0);
    return [
      warnings(seen),
      card("Processes", table("Processes", [
        { title: "Host", cell: (node) => node.host },
        { title: "Kind", cell: (node) => KINDS[node.kind] || node.kind },
        { title: "Process", kind: "number", cell: (node) => String(node.process) },
        { title: "Version", cell: (node) => node.version },
        { title: "Started", cell: (node) => when(node.started_at) },
        { title: "Last sign of life", cell: (node) => when(node.seen_at) },
      ], seen.nodes, "No process told of itself yet.")),
      card("Queue", facts([
        ["Waiting", number(sum("todo"))],
        ["Running", number(sum("doing"))],
        ["Failed in a week", number(sum("failed"))],
        ["Tended by", plural(seen.workers.length, "queue worker")],
      ]), queue.length ? table("Jobs in the queue", [
        { title: "Job", cell: (job) => element("code", {}, job.job) },
        { title: "Waiting", kind: "number", cell: (job) => number(job.todo) },
        { title: "Running", kind: "number", cell: (job) => number(job.doing) },
        { title: "Failed", kind: "number", cell: (job) => job.failed ? badge(number(job.failed), "bad") : "0" },
        { title: "Oldest due", cell: (job) => job.oldest > 0 ? ago(job.oldest) : "" },
      ], queue) : null),
      element("div", { class: "beside" },
        card("Database", facts([
          ["PostgreSQL", db.version],
          ["Database", db.name],
          ["Schema", db.schema],
          ["Size", size(db.bytes)],
          ["Connections", `${number(db.connections)} of ${number(db.most_connections)}`],
          ["Oldest transaction", ago(db.longest)],
        ])),
        card("Storage", facts([
          ["Kept in", seen.storage.backend === "local" ? "a folder" : "an object store"],
          ["Stored files", size(seen.storage.stored_bytes)],
          ["This node", `${seen.host}, Pegbar ${seen.version}`],
        ]))),
      card("Disks of this node", diskRows(seen.storage.disks)),
    ];
  }
  return { read, every: 5 };
}
