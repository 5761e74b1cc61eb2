"""The parts of a production that are this domain's: budgets, columns, and the log of what happened in it."""

from pegbar.productions.deletion.parts import SETTINGS, plain_part

plain_part(SETTINGS, "budgets", "budget", "DELETE FROM budget_entry WHERE budget_id = ANY(:ids)")
plain_part(
    SETTINGS,
    "metadata descriptors",
    "metadata_descriptor",
    "DELETE FROM department_metadata_descriptor_link WHERE metadata_descriptor_id = ANY(:ids)",
    made=False,
)
plain_part(SETTINGS, "events", "api_event", at_once=5000, made=False)
