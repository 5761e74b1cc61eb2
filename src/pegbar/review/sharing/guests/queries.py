"""What a share link shows, and what its guests may change: each read is one statement that begins with the link's rule.

A statement about a link has no row when the link is not good. Source: spec review, operations under
`/shared/playlists/{token}`.
"""

from sqlalchemy import Boolean, Text, any_, false, literal_column, select, true

from pegbar.accounts.shapes import SAFE_WITH_DEPARTMENTS
from pegbar.accounts.standing import written
from pegbar.accounts.tables import person
from pegbar.core.data.parameters import param
from pegbar.core.data.schema import String
from pegbar.core.data.wire import json_list, json_object
from pegbar.media.queries import PREVIEW, served_preview
from pegbar.productions.tables import project
from pegbar.review.shapes import BUILD_JOB, PLAYLIST, SHOTS_VERSION
from pegbar.review.sharing.rule import ENTRIES, GUEST, LINK, SHOWN, about_link, in_text, is_shown, is_visible
from pegbar.review.sharing.shapes import CHANGED, LISTED
from pegbar.review.tables import build_job, playlist
from pegbar.tasks.tables import comment

#: The link alone.
link = about_link(
    f"WITH {LINK} SELECT link_id, project_id, can_comment, can_annotate, can_download FROM link"  # noqa: S608
)

# The page


def _duration(preview: str) -> str:
    """A float as JSON: always with a decimal."""
    seconds = f"coalesce({preview}.duration, 0)"
    return f"""(CASE WHEN {seconds} = trunc({seconds}) THEN trunc({seconds})::bigint::text || '.0'
                     ELSE {seconds}::text END)::jsonb"""


_SIBLING = f"""jsonb_build_object('id', s.id, 'revision', s.revision, 'extension', s.extension, 'width', s.width,
    'height', s.height, 'duration', {_duration("s")}, 'status', s.status, 'annotations', s.annotations,
    'task_id', s.task_id, 'created_at', to_char(s.created_at, 'YYYY-MM-DD"T"HH24:MI:SS'))"""

_BUILDS = json_list(
    select(json_object(BUILD_JOB.only("id", "status", "created_at", "message")))
    .where(build_job.c.playlist_id == playlist.c.id)
    .order_by(build_job.c.created_at.desc(), build_job.c.id)
    .correlate(playlist)
)
_PLAYLIST = in_text(
    select(
        json_object(
            PLAYLIST.but(
                "shots", SHOTS_VERSION, build_jobs=_BUILDS, project_name=project.c.name, project_fps=project.c.fps
            )
        )
    )
    .select_from(playlist.join(project, project.c.id == playlist.c.project_id))
    .where(playlist.c.id == written("link.playlist_id"))
)

#: What is stored of a preview in an old entry says nothing about the one that is shown now.
_STORED = """
    (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(e.entry) WHERE key NOT LIKE 'preview%')"""
_NAMED = """
    CASE WHEN o.id IS NULL THEN '{}'::jsonb ELSE jsonb_build_object('name', o.name, 'parent_name',
      CASE WHEN y.name NOT IN ('Shot', 'Sequence', 'Episode', 'Edit', 'Concept') THEN y.name
           WHEN link.is_for_all THEN concat_ws(' / ', above.name, parent.name)
           ELSE coalesce(parent.name, '') END) END"""
_POSITIONED = f"""
    CASE WHEN t.id IS NULL THEN '{{}}'::jsonb ELSE jsonb_build_object(
      'preview_file_id', f.id, 'preview_file_extension', f.extension, 'preview_file_revision', f.revision,
      'preview_file_width', f.width, 'preview_file_height', f.height, 'preview_file_duration', {_duration("f")},
      'preview_file_status', f.status, 'preview_file_task_id', f.task_id, 'preview_file_annotations', f.annotations,
      'preview_file_previews', CASE WHEN beside.main_id = f.id THEN coalesce(beside.previews, '[]') ELSE '[]' END,
      'preview_file_task_type',
      jsonb_build_object('id', k.id, 'name', k.name, 'color', k.color, 'for_entity', k.for_entity),
      'preview_file_task_type_name', k.name, 'task_status_color', status.color) END"""

#: The playlist without its entries, and its entries: each in the preview it is shown in, and nothing else of its
#: entity. Statuses are codes here, as the web UI expects ("Worth fixing" 7).
page = about_link(
    f"""
    WITH {LINK}, {ENTRIES}
    SELECT {_PLAYLIST} AS playlist, link.can_comment, link.can_annotate, link.can_download,
           (SELECT coalesce('[' || string_agg(
                     ({_STORED} || jsonb_build_object('id', e.entity_text, 'preview_files', '{{}}'::jsonb)
                      || {_NAMED} || {_POSITIONED})::text, ',' ORDER BY e.n) || ']', '[]')
              FROM entries e
              LEFT JOIN entity o ON o.id = e.entity_id
              LEFT JOIN entity_type y ON y.id = o.entity_type_id
              LEFT JOIN entity parent ON parent.id = o.parent_id
              LEFT JOIN entity above ON above.id = parent.parent_id
              LEFT JOIN preview_file f ON f.id = e.preview_id
              LEFT JOIN task t ON t.id = f.task_id AND t.entity_id = e.entity_id
              LEFT JOIN task_type k ON k.id = t.task_type_id
              LEFT JOIN task_status status ON status.id = t.task_status_id
              LEFT JOIN LATERAL (
                SELECT (array_agg(s.id ORDER BY s.position, s.created_at, s.id))[1] AS main_id,
                       jsonb_agg({_SIBLING} ORDER BY s.position, s.created_at, s.id)
                         FILTER (WHERE s.id <> f.id) AS previews
                  FROM preview_file s WHERE s.task_id = t.id AND s.revision = f.revision) AS beside ON true) AS shots
      FROM link
    """  # noqa: S608 - constants
)

#: What the page needs of the production to show statuses and types.
context = about_link(
    f"""
    WITH {LINK}
    SELECT json_build_object(
             'project', json_build_object('id', p.id, 'name', p.name, 'fps', p.fps, 'ratio', p.ratio,
                                          'resolution', p.resolution, 'team', '[]'::json),
             'task_types', (
               SELECT coalesce(json_agg(json_build_object('id', k.id, 'name', k.name, 'color', k.color,
                                                          'for_entity', k.for_entity)
                                        ORDER BY coalesce(l.priority, k.priority), k.name), '[]')
                 FROM project_task_type_link l JOIN task_type k ON k.id = l.task_type_id WHERE l.project_id = p.id),
             'task_statuses', (
               SELECT coalesce(json_agg(json_build_object(
                        'id', s.id, 'name', s.name, 'short_name', s.short_name, 'color', s.color,
                        'is_client_allowed', coalesce(l.is_client_allowed, s.is_client_allowed),
                        'is_default', s.is_default, 'for_concept', s.for_concept)
                        ORDER BY coalesce(l.priority, s.priority), s.name), '[]')
                 FROM project_task_status_link l JOIN task_status s ON s.id = l.task_status_id
                WHERE l.project_id = p.id))::text
      FROM link JOIN project p ON p.id = link.project_id
    """  # noqa: S608 - constants
)

_author = person.alias("author")
_LISTED = in_text(
    json_list(
        select(json_object(LISTED))
        .select_from(comment.join(_author, _author.c.id == comment.c.person_id))
        .where(written("comment.object_id IN (SELECT task_id FROM shown)"), written(is_visible("comment", "author")))
        .order_by(comment.c.created_at.desc(), comment.c.id)
    )
)
#: The comments that guests see, of all shown tasks, newest first.
comments = about_link(
    f"WITH {LINK}, {ENTRIES}, {SHOWN} SELECT {_LISTED} FROM link"  # noqa: S608 - constants
)

# Previews

_link = (
    about_link(f"WITH {LINK} SELECT link_id, shots, can_download FROM link")  # noqa: S608 - constants
    .columns(can_download=Boolean)
    .cte("link")
)
_preview = served_preview.subquery("preview")
#: A preview for serving it, and whether the link shows it.
served = select(
    _link.c.can_download,
    literal_column(is_shown("preview.id"), Boolean).label("is_shown"),
    _preview,
).select_from(_link.outerjoin(_preview, true()))

#: A preview as JSON, and whether the link shows it.
preview = about_link(
    f"""
    WITH {LINK}
    SELECT {is_shown("preview_file.id")} AS is_shown,
           CASE WHEN preview_file.id IS NOT NULL THEN {in_text(json_object(PREVIEW))} END AS row
      FROM link LEFT JOIN preview_file ON preview_file.id = :preview_id
    """  # noqa: S608 - constants
)

#: A preview that a guest wants to draw on.
drawing = about_link(
    f"""
    WITH {LINK}
    SELECT link.link_id, link.can_annotate, g.id IS NOT NULL AS is_guest, f.id AS preview_id,
           {is_shown("f.id")} AS is_shown
      FROM link
      LEFT JOIN {GUEST}
      LEFT JOIN preview_file f ON f.id = :preview_id
    """  # noqa: S608 - constants
)

#: Whether somebody is an author of what guests read, and has a picture.
avatar = about_link(
    f"""
    WITH {LINK}, {ENTRIES}, {SHOWN}
    SELECT coalesce(p.has_avatar, false) AND EXISTS (
             SELECT 1 FROM comment c JOIN person author ON author.id = c.person_id
              WHERE c.object_id IN (SELECT task_id FROM shown) AND {is_visible("c", "author")}
                AND (c.person_id = p.id OR (jsonb_typeof(c.replies) = 'array'
                     AND c.replies @> jsonb_build_array(jsonb_build_object('person_id', p.id::text))))) AS is_shown
      FROM link LEFT JOIN person p ON p.id = :person_id
    """  # noqa: S608 - constants
)

#: A file of a comment that guests see.
attachment = about_link(
    f"""
    WITH {LINK}, {ENTRIES}, {SHOWN}
    SELECT a.id, a.name, a.mimetype, EXISTS (
             SELECT 1 FROM comment c JOIN person author ON author.id = c.person_id
              WHERE c.id = a.comment_id AND c.object_id IN (SELECT task_id FROM shown)
                AND {is_visible("c", "author")}) AS is_shown
      FROM link LEFT JOIN attachment_file a ON a.id = :attachment_id
    """  # noqa: S608 - constants
)

# Guests

_ROW = in_text(select(json_object(SAFE_WITH_DEPARTMENTS)).where(person.c.id == written("g.id")))

#: The link and one of its guests, if it is one.
guest = about_link(
    f"""
    WITH {LINK}
    SELECT link.link_id, g.id AS guest_id, {_ROW} AS row FROM link LEFT JOIN {GUEST}
    """  # noqa: S608 - constants
)

#: Of these guests, the one of a link with these names.
namesake = (
    select(person.c.id)
    .where(
        person.c.id == any_(param("guest_ids")),
        person.c.first_name == param("first_name", String),
        person.c.last_name == param("last_name", String),
        person.c.is_guest,
        person.c.active.is_not(false()),
        person.c.data["share_link_id"].astext == param("link_text", Text),
    )
    .order_by(person.c.created_at.desc())
    .limit(1)
)
guest_row = select(json_object(SAFE_WITH_DEPARTMENTS)).where(person.c.id == param("guest_id"))

# What guests change

#: A guest who wants to comment a task: whether they may, and what they may set it to.
speaking = about_link(
    f"""
    WITH {LINK}, {ENTRIES}, {SHOWN}
    SELECT link.link_id, link.can_comment, g.id IS NOT NULL AS is_guest,
           EXISTS (SELECT 1 FROM shown WHERE task_id = :task_id) AS is_shown, s.id AS status_id,
           coalesce(l.is_client_allowed, s.is_client_allowed, true) AS is_allowed
      FROM link
      LEFT JOIN {GUEST}
      LEFT JOIN task_status s ON s.id = :status_id
      LEFT JOIN project_task_status_link l ON l.task_status_id = s.id AND l.project_id = link.project_id
    """  # noqa: S608 - constants
)

#: A comment that a guest wants to change: whether it is theirs, and what it is.
own_comment = about_link(
    f"""
    WITH {LINK}, {ENTRIES}, {SHOWN}
    SELECT link.link_id, link.can_comment, link.project_id, g.id IS NOT NULL AS is_guest,
           c.id AS comment_id, c.object_id AS task_id, c.text, c.task_status_id, c.for_client,
           c.person_id = g.id AND c.object_id IN (SELECT task_id FROM shown) AS is_own,
           s.id AS status_id, coalesce(l.is_client_allowed, s.is_client_allowed, true) AS is_allowed,
           (SELECT count(*) FROM attachment_file a WHERE a.comment_id = c.id) AS files
      FROM link
      LEFT JOIN {GUEST}
      LEFT JOIN comment c ON c.id = :comment_id
      LEFT JOIN task_status s ON s.id = :status_id
      LEFT JOIN project_task_status_link l ON l.task_status_id = s.id AND l.project_id = link.project_id
    """  # noqa: S608 - constants
)

changed_comment = select(json_object(CHANGED)).select_from(comment).where(comment.c.id == param("comment_id"))
