"""The JSON of working and output files. Source: spec media, "Tables"; spec crud, "output-files", "working-files"."""

from sqlalchemy import select

from pegbar.core.data.wire import JsonText, Wire, json_list, json_or_null, wire_of
from pegbar.files.tables import output_file, working_file

WORKING_FILE = wire_of(working_file, "WorkingFile")
#: What was made from a working file, and where it lies: a row without a path was not written yet.
_OUTPUTS = json_list(
    select(output_file.c.id)
    .where(output_file.c.source_file_id == working_file.c.id, output_file.c.path.is_not(None))
    .correlate(working_file)
)
WORKING_FILE_WITH_OUTPUTS = WORKING_FILE.but(outputs=_OUTPUTS)

_source = working_file.alias("source")
_SOURCE_FILE = (
    select(json_or_null(_source.c.id, wire_of(_source, "WorkingFile")))
    .where(_source.c.id == output_file.c.source_file_id)
    .correlate(output_file)
    .scalar_subquery()
)

#: Always with the whole working file it was made from.
OUTPUT_FILE: Wire = wire_of(output_file, "OutputFile").but(source_file=_SOURCE_FILE.cast(JsonText()))
