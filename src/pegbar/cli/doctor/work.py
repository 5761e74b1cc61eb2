"""Work behind the requests: jobs, housekeeping, live events, and the nodes that do it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pegbar import __version__
from pegbar.cli.doctor.checks import Findings, Visit, check, fault, note, skip, warning

AREA = "Work"


@check("Job workers", about="whether somebody does jobs", area=AREA, needs_database=True)
def workers(visit: Visit) -> Findings:
    """At least one gave a sign of life."""
    alive = visit.value(
        """
        SELECT count(*) FROM pegbar.procrastinate_workers
         WHERE last_heartbeat > now() - make_interval(secs => :seconds)
        """,
        seconds=max(60.0, visit.settings.job_stalled_after),
    )
    if not alive:
        yield fault(
            "Nobody does jobs: no mails, no movies, no tidying up.",
            mend="pegbar serve, or pegbar worker on any machine",
        )
    else:
        yield note(f"{alive} queues are tended.")


@check("Waiting jobs", about="whether jobs are done in time", area=AREA, needs_database=True)
def waiting(visit: Visit) -> Findings:
    """None that is due waits for long."""
    rows = visit.rows(
        """
        SELECT j.task_name AS job, count(*) AS waiting,
               extract(epoch FROM now() - min(greatest(j.scheduled_at, e.at)))::int AS seconds
          FROM pegbar.procrastinate_jobs j
          JOIN LATERAL (SELECT max(at) AS at FROM pegbar.procrastinate_events e WHERE e.job_id = j.id) e ON true
         WHERE j.status = 'todo' AND (j.scheduled_at IS NULL OR j.scheduled_at < now())
         GROUP BY 1 HAVING min(greatest(j.scheduled_at, e.at)) < now() - interval '15 minutes' ORDER BY 3 DESC LIMIT 5
        """
    )
    for row in rows:
        shown = f"{row['waiting']} jobs {row['job']} wait, the oldest for {row['seconds'] // 60} minutes."
        yield (fault if row["seconds"] > 6 * 3600 else warning)(
            shown, mend="Start more workers (pegbar worker --concurrency 4); pegbar jobs list --status todo"
        )


@check("Stuck jobs", about="jobs whose worker is gone", area=AREA, needs_database=True)
def stuck(visit: Visit) -> Findings:
    """None: they go back to the queue by themselves."""
    rows = visit.rows(
        """
        SELECT j.id, j.task_name AS job FROM pegbar.procrastinate_jobs j
          LEFT JOIN pegbar.procrastinate_workers w ON w.id = j.worker_id
         WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => :seconds))
         ORDER BY j.id LIMIT 100
        """,
        seconds=max(300.0, 5 * visit.settings.job_stalled_after),
    )
    if rows:
        names = ", ".join(sorted({row["job"] for row in rows})[:5])
        yield warning(
            f"{len(rows)} jobs are taken for under way, by workers that are gone: {names}.",
            mend="pegbar serve or pegbar worker: a worker gives them back to the queue",
        )


@check("Failed jobs", about="jobs of the last day that failed for good", area=AREA, needs_database=True)
def failed(visit: Visit) -> Findings:
    """None."""
    rows = visit.rows(
        """
        SELECT j.task_name AS job, count(*) AS failures FROM pegbar.procrastinate_jobs j
         WHERE j.status = 'failed' AND EXISTS (
               SELECT FROM pegbar.procrastinate_events e
                WHERE e.job_id = j.id AND e.type = 'failed' AND e.at > now() - interval '1 day')
         GROUP BY 1 ORDER BY 2 DESC LIMIT 5
        """
    )
    for row in rows:
        advice = (
            "the mail server; pegbar doctor --only mail --send-to ADDRESS"
            if "mail" in row["job"]
            else "the log at that time"
        )
        yield warning(
            f"{row['failures']} jobs {row['job']} failed.", mend=f"pegbar jobs list --status failed, and {advice}"
        )


@check("Housekeeping", about="whether the server tidies up", area=AREA, needs_database=True)
def housekeeping(visit: Visit) -> Findings:
    """Every job that runs by the clock ran lately."""
    from pegbar.app import load_domains
    from pegbar.core.work.jobs import declared

    load_domains()
    last = {
        row["job"]: row["at"]
        for row in visit.rows(
            "SELECT task_name AS job, max(defer_timestamp) AS at FROM pegbar.procrastinate_periodic_defers GROUP BY 1"
        )
    }
    if not last:
        yield note("Nothing ran yet: the server is new.")
        return
    now = datetime.now(UTC).timestamp()
    clockwork = [name for name, one in declared.items() if one.cron is not None]
    late = [
        name for name in clockwork if name in last and last[name] < now - 3 * 3600 and _is_often(declared[name].cron)
    ]
    if late:
        yield warning(
            f"These did not run for hours: {', '.join(sorted(late))}.",
            mend="See that a worker runs (pegbar serve, pegbar worker)",
        )
    kept = visit.value("SELECT extract(epoch FROM timezone('utc', now()) - min(created_at))::float FROM pegbar.outbox")
    if (kept or 0) > 10 * 86400:
        yield warning(
            "Live events older than ten days are still kept.",
            mend="See why core.prune_outbox fails: pegbar jobs list --status failed",
        )
    yield note(f"{len(clockwork)} jobs run by the clock.")


def _is_often(cron: str | None) -> bool:
    """Whether a job runs at least once an hour."""
    return cron is not None and cron.split()[1:] == ["*"] * 4


@check("Removals of productions", about="productions that are being deleted", area=AREA, needs_database=True)
def removals(visit: Visit) -> Findings:
    """Each goes on."""
    for row in visit.rows(
        "SELECT project_name, last_error FROM pegbar.project_removal WHERE last_error IS NOT NULL LIMIT 5"
    ):
        reason = str(row["last_error"]).splitlines()[0][:200]
        yield warning(
            f"{row['project_name']} cannot be removed: {reason}",
            mend="pegbar jobs removals; it is tried again every ten minutes",
        )


@check("Live events", about="whether somebody delivers them", area=AREA, needs_database=True)
def events(visit: Visit) -> Findings:
    """A process listens for them."""
    listening = visit.value(
        """
        SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pegbar events' AND datname = current_database()
        """
    )
    if listening:
        yield note(f"{listening} listen.")
    else:
        yield warning("No process of a server listens: nobody sees changes live.", mend="pegbar serve")


_NODES = """
SELECT host, process, kind, version, settings FROM pegbar.node
 WHERE seen_at > timezone('utc', now()) - make_interval(secs => :seconds) ORDER BY host, kind, process
"""


@check("Nodes", about="whether all processes run this version with the same settings", area=AREA, needs_database=True)
def nodes(visit: Visit) -> Findings:
    """They agree."""
    from pegbar.core.work.nodes import GONE_AFTER, differing

    rows = visit.rows(_NODES, seconds=GONE_AFTER)
    if not rows:
        yield skip("No process of a server runs.")
        return
    hosts = sorted({row["host"] for row in rows})
    kinds = {kind: sum(row["kind"] == kind for row in rows) for kind in ("api", "worker", "sockets")}
    versions = sorted({row["version"] for row in rows})
    if versions != [__version__]:
        shown = "; ".join(f"{version} on {_hosts(rows, 'version', version)}" for version in versions)
        yield warning(
            f"This is Pegbar {__version__}; there run {shown}.",
            mend="Start them again with this version (systemctl restart pegbar)",
        )
    names = differing(rows)
    if names == ["SECRET_KEY"]:
        yield fault(
            "Nodes have different secret keys: who signs in at one is refused at others.",
            mend="Set the same SECRET_KEY on all (or copy secret.key of the data folder)",
        )
    elif names:
        yield warning(
            f"Nodes differ in {', '.join(names)}.",
            mend="Set them alike, and start the nodes again; pegbar config shows those of a machine",
        )
    if len(hosts) > 1 and visit.settings.fs_backend == "local":
        yield note("Several machines and local storage: PREVIEW_FOLDER must be one shared folder.")
    shown = ", ".join(f"{count} {kind}" for kind, count in kinds.items() if count)
    yield note(f"{shown} on {', '.join(hosts)}.")


def _hosts(rows: Sequence[Mapping[str, Any]], key: str, value: str) -> str:
    return ", ".join(sorted({row["host"] for row in rows if row[key] == value}))


@check("History", about="whether what changes is told month by month", area=AREA, needs_database=True)
def history_partitions(visit: Visit) -> Findings:
    """The partition of the next month is there; without it, changes go to the default one, read more slowly."""
    row = visit.rows(
        """
        SELECT to_regclass('pegbar.history_' || to_char(timezone('utc', now()) + interval '1 month', 'YYYY_MM'))
                 IS NOT NULL AS ready,
               (SELECT count(*) FROM pegbar.history_rest) AS unsorted,
               pg_size_pretty((SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits
                                WHERE inhparent = 'pegbar.history'::regclass)) AS size
        """
    )[0]
    if not row["ready"] or row["unsorted"]:
        yield warning(
            f"The partition of a month is missing: {row['unsorted']} changes are in the default one.",
            mend="A job worker makes it at night (pegbar worker); pegbar jobs list --status failed",
        )
    else:
        yield note(f"Kept by month, {row['size']}.")
