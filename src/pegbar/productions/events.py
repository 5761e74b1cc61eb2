"""Events of productions. Source: spec events, "Productions"; the generic ones are declared by resources.py."""

from pegbar.core.live.events import event

#: Team, settings, links: unlike the generic `project:update`, kept in the production's own log.
PROJECT_CHANGED = event("project:update", text="The team or a setting of the production changed.")

DESCRIPTOR_NEW = event("metadata-descriptor:new", "metadata_descriptor_id")
DESCRIPTOR_UPDATED = event("metadata-descriptor:update", "metadata_descriptor_id")
DESCRIPTOR_DELETED = event("metadata-descriptor:delete", "metadata_descriptor_id")

#: Of a template and of everything in it, besides the generic ones.
TEMPLATE_NEW = event("project-template:new", "project_template_id", scoped=False)
TEMPLATE_UPDATED = event("project-template:update", "project_template_id", scoped=False)
