"""Statements about uploads that arrive in pieces. Whose they are is a condition of every one that a request makes."""

from pegbar.core.data.parameters import sql
from pegbar.core.data.schema import BigInteger, Float, Integer, String, Text

#: Of a person, one after the other: what they have is counted before another one is made.
lock_owner = sql("SELECT 1 FROM person WHERE id = :person_id FOR NO KEY UPDATE")

held_by_person = sql(
    "SELECT count(*) AS number, coalesce(sum(length), 0)::bigint AS bytes FROM pegbar.upload"
    " WHERE person_id = :person_id AND expires_at > timezone('utc', now())"
)

create = sql(
    """
    INSERT INTO pegbar.upload (id, person_id, name, content_type, metadata, length, received, created_at, expires_at)
    VALUES (:id, :person_id, :name, :content_type, :metadata, :length, 0, timezone('utc', now()),
            timezone('utc', now()) + make_interval(hours => :hours))
    RETURNING *
    """,
    name=String,
    content_type=String,
    metadata=Text,
    length=BigInteger,
    hours=Integer,
)

one = sql(
    "SELECT * FROM pegbar.upload WHERE id = :id AND person_id = :person_id AND expires_at > timezone('utc', now())"
)
all_of_person = sql(
    "SELECT * FROM pegbar.upload WHERE person_id = :person_id AND expires_at > timezone('utc', now())"
    " ORDER BY created_at, id"
)

#: More of it is stored: only on top of what was known before, and while nobody uses it.
advance = sql(
    """
    UPDATE pegbar.upload SET received = :received, expires_at = timezone('utc', now()) + make_interval(hours => :hours)
     WHERE id = :id AND received = :before
    """,
    received=BigInteger,
    before=BigInteger,
    hours=Integer,
)

#: Another request would write to it, and whether one did in the last seconds.
want = sql("UPDATE pegbar.upload SET wanted_at = timezone('utc', now()) WHERE id = :id")
is_wanted = sql(
    "SELECT wanted_at > timezone('utc', now()) - make_interval(secs => :quiet) FROM pegbar.upload WHERE id = :id",
    quiet=Float,
)

remove = sql(
    """
    DELETE FROM pegbar.upload WHERE id = :id AND person_id = :person_id
       AND (claimed_until IS NULL OR claimed_until < timezone('utc', now()))
    """
)

#: A request takes a whole upload for itself, for as long as one may reasonably take.
claim = sql(
    """
    UPDATE pegbar.upload SET claim = :claim_id, claimed_until = timezone('utc', now()) + interval '1 hour'
     WHERE id = :id AND person_id = :person_id AND expires_at > timezone('utc', now()) AND received = length
       AND (claimed_until IS NULL OR claimed_until < timezone('utc', now()))
    RETURNING *
    """
)
release = sql("UPDATE pegbar.upload SET claim = NULL, claimed_until = NULL WHERE claim = ANY(:claim_ids)")
use_up = sql("DELETE FROM pegbar.upload WHERE claim = ANY(:claim_ids) RETURNING id")

expire = sql(
    """
    DELETE FROM pegbar.upload WHERE id IN (
      SELECT id FROM pegbar.upload
       WHERE expires_at < timezone('utc', now()) AND (claimed_until IS NULL OR claimed_until < timezone('utc', now()))
       ORDER BY expires_at LIMIT 100 FOR UPDATE SKIP LOCKED)
    RETURNING id
    """
)
#: Of these, those that are still known.
known = sql("SELECT id FROM pegbar.upload WHERE id = ANY(:ids)")

reserve_part = sql(
    """
    INSERT INTO pegbar.upload_part (upload_id, name, start, size, stored, created_at)
    VALUES (:upload_id, :name, :start, :size, false, timezone('utc', now()))
    """,
    name=String,
    start=BigInteger,
    size=BigInteger,
)
part_stored = sql(
    "UPDATE pegbar.upload_part SET stored = true WHERE upload_id = :upload_id AND name = :name", name=String
)
parts = sql("SELECT name, start, size FROM pegbar.upload_part WHERE upload_id = :upload_id AND stored ORDER BY start")
all_parts = sql("SELECT name FROM pegbar.upload_part WHERE upload_id = :upload_id")
forget_part = sql("DELETE FROM pegbar.upload_part WHERE upload_id = :upload_id AND name = :name", name=String)

#: Parts that belong to nothing: their upload is gone, or whoever stored them broke off.
stray_parts = sql(
    """
    SELECT upload_id, name FROM pegbar.upload_part p
     WHERE NOT EXISTS (SELECT 1 FROM pegbar.upload u WHERE u.id = p.upload_id)
        OR (NOT stored AND created_at < timezone('utc', now()) - interval '1 day')
     LIMIT 500
    """
)
