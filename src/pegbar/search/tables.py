"""What search reads: documents and their words, written by triggers (core/data/migrations/versions/search.sql)."""

from sqlalchemy.dialects.postgresql import TSVECTOR

from pegbar.core.data.schema import Column, Text, Uuid, own_table

#: A row that can be found, by its id.
document = own_table(
    "search_document",
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("project_id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("words", TSVECTOR, nullable=False),
)

#: The words of all documents by kind and place; one may stand there more than once.
word = own_table(
    "search_word",
    Column("kind", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("word", Text, nullable=False),
)
