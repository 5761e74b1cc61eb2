"""Events of files that are published. Source: spec media, "Working files", "Output files of an entity"."""

from pegbar.core.live.events import event

#: Kept in the production's own log, as the generic events of these tables are.
WORKING_FILE_NEW = event("working-file:new", "working_file_id")
OUTPUT_FILE_NEW = event("output-file:new", "output_file_id")
#: A default that was made because it was needed; the name is what clients listen to.
OUTPUT_TYPE_MADE = event("output_type:new", "output_type_id", scoped=False)
SOFTWARE_MADE = event("software:new", "software_id", scoped=False)
