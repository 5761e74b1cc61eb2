"""Tables of single sign-on."""

from sqlalchemy import UniqueConstraint

from pegbar.core.data.schema import JSONB, TIMESTAMP, Column, String, Text, Uuid, names, own_table, utc_now

#: Whom a provider means by a subject. A person's own columns hold one identity of each protocol, the last one used, as
#: other servers on the same database know it; here each provider has its own.
identity_link = own_table(
    "identity_link",
    Column("protocol", String(10), primary_key=True),
    Column("issuer", Text, primary_key=True),
    Column("subject", String(255), primary_key=True),
    Column("person_id", Uuid, nullable=False, info=names("person", goes="with")),
    Column("bound_at", TIMESTAMP, nullable=False, default=utc_now),
    UniqueConstraint("person_id", "protocol", "issuer", name="identity_link_person_key"),
)

#: The directory that a person came from, and what was taken of their photo there.
directory_person = own_table(
    "directory_person",
    Column("person_id", Uuid, primary_key=True, info=names("person", goes="with")),
    Column("directory", String(40), nullable=False),
    #: Of the picture as the directory has it; empty for none.
    Column("photo_digest", String(64), nullable=False, server_default=""),
)

#: The last run over each directory.
directory_run = own_table(
    "directory_run",
    Column("directory", String(40), primary_key=True),
    Column("began_at", TIMESTAMP, nullable=False),
    Column("ended_at", TIMESTAMP),
    #: Why it failed; null when it did not.
    Column("problem", Text),
    Column("counts", JSONB),
)
