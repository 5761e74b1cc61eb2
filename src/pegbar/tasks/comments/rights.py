"""Who may comment. Source: spec tasks, "Access rules" (task action, mention access, status right)."""

from pegbar.core.access import Caller, Rule, at, may_act_on_task, require
from pegbar.tasks.comments.subject import Subject

#: May see the task at all; what the thread and the status allow is asked in the transaction.
member_of_task = Rule(
    "member of the production; to comment: manager, client, assignee, supervisor of the department, creator of the "
    "entity, or somebody named in the thread",
    lambda caller: caller.is_member,
    at("task", "task_id"),
)


def check_may_comment(caller: Caller, subject: Subject) -> None:
    """Raise Forbidden unless the caller acts on the task, or is named in its thread and leaves the status alone."""
    named = (
        subject.named_in_thread and caller.role_here != "vendor" and subject.status.id == subject.state.task_status_id
    )
    require(may_act_on_task(caller) or named, "You may not comment this task.")


def check_may_give_status(caller: Caller, subject: Subject) -> None:
    """Raise Forbidden when the status is kept from the caller's role on the production."""
    role = caller.role_here
    if role in ("user", "vendor"):
        require(subject.artists_allowed, f"Artists may not give the status {subject.status_name}.")
    if role == "client":
        require(subject.clients_allowed, f"Clients may not give the status {subject.status_name}.")
