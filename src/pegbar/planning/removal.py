"""What schedules lose when a production is deleted. Source: spec crud, "projects", DELETE."""

from pegbar.productions.deletion.parts import PLANNING, plain_part

plain_part(PLANNING, "milestones", "milestone")
plain_part(PLANNING, "schedule items", "schedule_item")
#: What they plan for tasks went with the tasks.
plain_part(PLANNING, "schedule versions", "production_schedule_version", at_once=20)
