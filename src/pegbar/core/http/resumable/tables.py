"""What is known of uploads that arrive in pieces."""

from pegbar.core.data.schema import TIMESTAMP, BigInteger, Boolean, Column, String, Text, Uuid, own_table, reference

#: A file on its way, or waiting to be used. `received` bytes of it are surely stored.
upload = own_table(
    "upload",
    Column("id", Uuid, primary_key=True),
    reference("person", on_delete="CASCADE", nullable=False, goes="with"),
    Column("name", String(250), nullable=False),
    Column("content_type", String(255), nullable=False),
    Column("metadata", Text, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("created_at", TIMESTAMP, nullable=False),
    Column("expires_at", TIMESTAMP, nullable=False, index=True),
    #: When another request last wanted to write while one did.
    Column("wanted_at", TIMESTAMP),
    #: The request that uses it at the moment, and until when that is believed.
    Column("claim", Uuid),
    Column("claimed_until", TIMESTAMP),
)

#: A piece of an upload in the object store. The row is there before the object, so that none is forgotten.
upload_part = own_table(
    "upload_part",
    Column("upload_id", Uuid, primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("start", BigInteger, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("stored", Boolean, nullable=False),
    Column("created_at", TIMESTAMP, nullable=False),
)
