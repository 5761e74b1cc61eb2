"""What the console reads. Each statement yields the JSON of its answer, or rows that the command line shows too."""

from sqlalchemy import text

from pegbar.core.data.parameters import sql
from pegbar.core.work.nodes import GONE_AFTER

_AT = 'YYYY-MM-DD"T"HH24:MI:SS'


def _moment(of: str) -> str:
    """A timestamp of ours (UTC, without a zone) as the API writes it."""
    return f"to_char({of}, '{_AT}')"


def _moment_with_zone(of: str) -> str:
    """A timestamp of the queue, which has a zone."""
    return _moment(f"{of} AT TIME ZONE 'UTC'")


# What runs

#: The processes that gave a sign of life lately; settings only as digests (core/work/nodes.py).
nodes = sql(
    f"""
    SELECT host, process, kind, version, settings, {_moment("started_at")} AS started_at,
           {_moment("seen_at")} AS seen_at
      FROM pegbar.node WHERE seen_at > timezone('utc', now()) - make_interval(secs => {GONE_AFTER})
     ORDER BY host, kind, process
    """  # noqa: S608 - constants
)
#: The queues that workers tend.
workers = sql(
    f"""
    SELECT w.id, {_moment_with_zone("w.last_heartbeat")} AS seen_at,
           (SELECT count(*) FROM pegbar.procrastinate_jobs j WHERE j.worker_id = w.id AND j.status = 'doing') AS jobs
      FROM pegbar.procrastinate_workers w WHERE w.last_heartbeat > now() - interval '2 minutes' ORDER BY w.id
    """  # noqa: S608 - constants
)
database = sql(
    """
    SELECT current_setting('server_version') AS version, current_database() AS name,
           (SELECT version_num FROM pegbar.alembic_version) AS schema,
           (SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pegbar events'
               AND datname = current_database()) AS listeners
    """
)


# Jobs

#: Arguments of jobs that would only fill the page (texts of mails, when the clock was due), or should not stand there.
_LEFT_OUT = "{message,timestamp,password,token,secret,code}"
_LAST_CHANGE = "(SELECT max(e.at) FROM pegbar.procrastinate_events e WHERE e.job_id = j.id AND e.at <= now())"
_JOB = f"""
    SELECT j.id, j.task_name, j.queue_name, j.status::text, j.attempts,
           (j.args - '{_LEFT_OUT}'::text[])::text AS args, j.abort_requested AS is_stopping,
           {_moment_with_zone(_LAST_CHANGE)} AS last_change,
           {_moment_with_zone("j.scheduled_at")} AS scheduled_at,
           coalesce(f.cause, p.data ->> 'error') AS cause,
           CASE WHEN j.status <> 'doing' THEN NULL
                WHEN p.id IS NOT NULL THEN (p.data ->> 'progress')::int
                WHEN r.total > 0 THEN least(100 * r.removed / r.total, 100)::int END AS progress
      FROM pegbar.procrastinate_jobs j
      LEFT JOIN pegbar.job_failure f ON f.job_id = j.id AND j.status <> 'succeeded'
      LEFT JOIN preview_file p ON p.id::text = j.args ->> 'preview_id'
      LEFT JOIN pegbar.project_removal r ON r.project_id::text = j.args ->> 'project_id'
           AND j.task_name LIKE 'productions.%'
"""  # noqa: S608 - constants
#: A list of jobs as JSON: arguments may be long.
_LISTED = """(
    SELECT coalesce(json_agg(to_jsonb(listed) || jsonb_build_object('args', left(listed.args, 500))), '[]')
      FROM ({}) AS listed)"""
#: The jobs in a state, or all, or all but those that are done (`open`); the newest first. For `pegbar jobs list` too.
jobs = text(
    f"""
    {_JOB}
     WHERE (CAST(:status AS text) IS NULL OR j.status::text = CAST(:status AS text)
            OR (CAST(:status AS text) = 'open' AND j.status <> 'succeeded'))
       AND (CAST(:job AS text) IS NULL OR j.task_name = CAST(:job AS text))
     ORDER BY j.id DESC LIMIT CAST(:limit AS int)
    """
)
jobs_as_json = text(
    f"""
    SELECT json_build_object(
             'counts', (SELECT coalesce(json_object_agg(status, n), '{{}}')
                          FROM (SELECT status, count(*) AS n FROM pegbar.procrastinate_jobs GROUP BY 1) AS c),
             'kinds', (SELECT coalesce(json_agg(DISTINCT task_name), '[]') FROM pegbar.procrastinate_jobs),
             'jobs', {_LISTED.format(jobs.text)})::text
    """  # noqa: S608 - constants
)

#: The productions that are deleted and still lose rows. `pegbar jobs removals` shows them.
removals = text(
    """
    SELECT r.project_id::text, r.project_name, concat_ws(' ', p.first_name, p.last_name) AS requested_by,
           r.requested_at, r.removed, r.total, r.doing, r.last_error
      FROM pegbar.project_removal r LEFT JOIN person p ON p.id = r.requested_by ORDER BY r.requested_at DESC
    """
)
removals_as_json = text(
    f"SELECT coalesce(json_agg(row_to_json(listed)), '[]')::text FROM ({removals.text}) AS listed"  # noqa: S608
)


# Sessions and API tokens

#: A session is over when it was ended, when all sessions of its person were, or when its time has come.
_OPEN = """
    s.kind = 'person' AND s.expires_at > timezone('utc', now())
      AND NOT EXISTS (SELECT 1 FROM pegbar.revoked_token r WHERE r.jti = s.session)
      AND NOT EXISTS (SELECT 1 FROM pegbar.session_floor f
                       WHERE f.person_id = s.person_id AND f.not_before > s.started_at
                         AND f.kept IS DISTINCT FROM s.session)
"""
_WHO = "concat_ws(' ', nullif(p.first_name, ''), nullif(p.last_name, '')) AS name, p.email, p.role"
_USED = f"""
    s.address, s.agent, {_moment("s.started_at")} AS started_at, {_moment("s.seen_at")} AS seen_at,
    coalesce(s.requests, 0) AS requests
"""
_SESSIONS = f"""
    SELECT s.session AS id, s.kind, p.id AS person_id, {_WHO}, {_USED}, {_moment("s.expires_at")} AS expires_at,
           s.session = CAST(:own AS text) AS is_yours, s.seen_at AS sorted_by
      FROM pegbar.session_use s JOIN person p ON p.id = s.person_id WHERE {_OPEN} AND p.active IS NOT FALSE
    UNION ALL
    SELECT p.jti, CASE WHEN p.is_bot THEN 'bot' ELSE 'person_api' END, p.id, {_WHO}, {_USED},
           to_char(p.expiration_date, 'YYYY-MM-DD"T23:59:59"'), p.jti = CAST(:own AS text), s.seen_at
      FROM person p LEFT JOIN pegbar.session_use s ON s.session = p.jti
     WHERE p.jti IS NOT NULL AND p.active IS NOT FALSE
       AND (p.expiration_date IS NULL OR p.expiration_date >= timezone('utc', now())::date)
"""  # noqa: S608 - constants
#: Open sessions and API tokens, the last used first.
sessions = text(
    f"""
    SELECT coalesce(json_agg(to_jsonb(listed) - 'sorted_by'), '[]')::text
      FROM (SELECT * FROM ({_SESSIONS}) AS every
             WHERE CAST(:words AS text) = ''
                OR strpos(lower(concat_ws(' ', name, email, address)), lower(CAST(:words AS text))) > 0
             ORDER BY sorted_by DESC NULLS LAST, name, id LIMIT CAST(:most AS int)) AS listed
    """  # noqa: S608 - constants
)
#: Whose it is, and of which kind; nothing when there is none.
session = text(
    f"SELECT id, kind, person_id, name FROM ({_SESSIONS}) AS every WHERE id = CAST(:session AS text)"  # noqa: S608
)


# Storage

#: To what the id of a stored file belongs: a production when it is of one.
_OWNERS = """
    SELECT p.id::text AS id, t.project_id FROM preview_file p LEFT JOIN task t ON t.id = p.task_id
    UNION ALL SELECT a.id::text, t.project_id FROM attachment_file a
                LEFT JOIN comment c ON c.id = a.comment_id LEFT JOIN task t ON t.id = c.object_id
    UNION ALL SELECT w.id::text, coalesce(t.project_id, e.project_id) FROM working_file w
                LEFT JOIN task t ON t.id = w.task_id LEFT JOIN entity e ON e.id = w.entity_id
    UNION ALL SELECT b.id::text, l.project_id FROM build_job b JOIN playlist l ON l.id = b.playlist_id
    UNION ALL SELECT b.id::text, NULL FROM preview_background_file b
    UNION ALL SELECT id::text, id FROM project
    UNION ALL SELECT id::text, NULL FROM person
    UNION ALL SELECT id::text, NULL FROM organisation
"""
#: The files of the register, with what they belong to. Uploads under way are their own.
_STORED = f"""
    SELECT s.bucket, s.prefix, coalesce(s.size, 0) AS size, s.created_at, o.id IS NOT NULL AS is_owned, o.project_id
      FROM stored_file s LEFT JOIN ({_OWNERS}) AS o ON o.id = left(s.file_id, 36)
     WHERE s.purged_at IS NULL AND s.deleted_at IS NULL AND s.prefix <> 'uploads'
"""  # noqa: S608 - constants
_SUM = "count(*) AS files, coalesce(sum(size), 0)::bigint AS bytes"
count_storage = text(
    f"""
    WITH stored AS MATERIALIZED ({_STORED})
    INSERT INTO pegbar.storage_census (day, counted_at, report)
    SELECT (timezone('utc', now()))::date, timezone('utc', now()), jsonb_build_object(
      'total', (SELECT to_jsonb(c) FROM (SELECT {_SUM} FROM stored) AS c),
      'database', pg_database_size(current_database()),
      'projects', (SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY c.bytes DESC), '[]') FROM (
          SELECT j.id AS project_id, j.name, {_SUM} FROM stored s JOIN project j ON j.id = s.project_id
           GROUP BY j.id, j.name ORDER BY 4 DESC LIMIT 500) AS c),
      'kinds', (SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY c.bytes DESC), '[]') FROM (
          SELECT bucket, prefix, {_SUM} FROM stored GROUP BY 1, 2) AS c),
      'studio', (SELECT to_jsonb(c) FROM (SELECT {_SUM} FROM stored WHERE is_owned AND project_id IS NULL) AS c),
      'orphans', (SELECT to_jsonb(c) FROM (SELECT {_SUM} FROM stored WHERE NOT is_owned) AS c),
      'leaving', (SELECT to_jsonb(c) FROM (
          SELECT count(*) AS files, coalesce(sum(size), 0)::bigint AS bytes,
                 count(*) FILTER (WHERE purge_attempts > 3) AS stuck, max(last_error) AS error
            FROM stored_file WHERE deleted_at IS NOT NULL AND purged_at IS NULL) AS c),
      'added', (SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY c.day), '[]') FROM (
          SELECT created_at::date AS day, {_SUM} FROM stored
           WHERE created_at > timezone('utc', now()) - interval '30 days' GROUP BY 1) AS c))
    ON CONFLICT (day) DO UPDATE SET counted_at = EXCLUDED.counted_at, report = EXCLUDED.report
    """  # noqa: S608 - constants
)
_IS_BEING_COUNTED = """
    SELECT EXISTS (SELECT 1 FROM pegbar.procrastinate_jobs
                    WHERE task_name = 'console.count_storage' AND status IN ('todo', 'doing')
                      AND (scheduled_at IS NULL OR scheduled_at <= now()))
"""
is_being_counted = text(_IS_BEING_COUNTED)
#: The last report, and the sums of those before it.
storage = text(
    f"""
    SELECT json_build_object(
      'counted_at', (SELECT {_moment("max(counted_at)")} FROM pegbar.storage_census),
      'is_being_counted', ({_IS_BEING_COUNTED}),
      'report', (SELECT report FROM pegbar.storage_census ORDER BY day DESC LIMIT 1),
      'history', (SELECT coalesce(json_agg(row_to_json(h)), '[]') FROM (
          SELECT to_char(day, 'YYYY-MM-DD') AS day, (report #>> '{{total,bytes}}')::bigint AS bytes,
                 (report ->> 'database')::bigint AS database
            FROM pegbar.storage_census WHERE day > current_date - 400 ORDER BY day) AS h),
      'movies', (SELECT coalesce(json_object_agg(status, n), '{{}}') FROM (
          SELECT status::text, count(*) AS n FROM preview_file
           WHERE extension = 'mp4' AND original_name IS NOT NULL GROUP BY 1) AS m))::text
    """  # noqa: S608 - constants
)


# What went wrong

#: Mails that were refused, and jobs that send and failed or wait for another attempt after a failure.
_MAIL_JOBS = f"""
    {_JOB}
     WHERE j.task_name = ANY(CAST(:names AS text[])) AND (j.status = 'failed' OR (j.status = 'todo' AND j.attempts > 0))
     ORDER BY j.id DESC LIMIT 200
"""
mails = text(
    f"""
    SELECT json_build_object(
      'refused', (SELECT coalesce(json_agg(row_to_json(m)), '[]') FROM (
          SELECT {_moment("at")} AS at, recipient, subject, reason FROM pegbar.mail_refusal
           ORDER BY number DESC LIMIT 200) AS m),
      'jobs', {_LISTED.format(_MAIL_JOBS)})::text
    """  # noqa: S608 - constants
)

#: The slowest requests since a moment, by route and one by one.
slow_requests = text(
    f"""
    WITH recent AS MATERIALIZED (
      SELECT s.*, nullif(concat_ws(' ', p.first_name, p.last_name), '') AS person
        FROM pegbar.slow_request s LEFT JOIN person p ON p.id = s.person_id
       WHERE s.at > timezone('utc', now()) - make_interval(hours => CAST(:hours AS int)))
    SELECT json_build_object(
      'routes', (SELECT coalesce(json_agg(row_to_json(c)), '[]') FROM (
          SELECT method, route, count(*) AS requests, max(seconds) AS slowest,
                 percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median
            FROM recent GROUP BY 1, 2 ORDER BY sum(seconds) DESC LIMIT 100) AS c),
      'requests', (SELECT coalesce(json_agg(row_to_json(c)), '[]') FROM (
          SELECT {_moment("at")} AS at, method, route, status, seconds, person, host
            FROM recent ORDER BY number DESC LIMIT 200) AS c))::text
    """  # noqa: S608 - constants
)

_LEVELS = "array_position(ARRAY['debug', 'info', 'warning', 'error', 'critical'], CAST({} AS text))"
#: Lines of the log after a number, of a level or worse, that hold words: the latest, oldest first.
log = text(
    f"""
    SELECT coalesce(json_agg(row_to_json(listed) ORDER BY listed.number), '[]')::text FROM (
      SELECT number, {_moment("at")} AS at, level, host, process, kind, message, details, trace
        FROM pegbar.log_line
       WHERE number > CAST(:after AS bigint) AND at > timezone('utc', now()) - interval '1 hour'
         AND coalesce({_LEVELS.format("level")}, 5) >= {_LEVELS.format(":level")}
         AND (CAST(:words AS text) = ''
              OR strpos(lower(message || ' ' || details::text || ' ' || trace || ' ' || kind || ' ' || host),
                        lower(CAST(:words AS text))) > 0)
       ORDER BY number DESC LIMIT CAST(:most AS int)) AS listed
    """  # noqa: S608 - constants
)
