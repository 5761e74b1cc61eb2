"""What statuses do to a task: live and worked out again, it is the same."""

from datetime import datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from pegbar.tasks.comments.subject import named
from pegbar.tasks.state import Status, TaskState, after_comments, after_status

TODO, WIP, REVIEW, RETAKE, DONE = (
    Status(UUID(int=1)),
    Status(UUID(int=2), is_wip=True),
    Status(UUID(int=3), is_feedback_request=True),
    Status(UUID(int=4), is_retake=True),
    Status(UUID(int=5), is_done=True),
)
START = datetime(2026, 3, 2, 9)


@given(st.lists(st.sampled_from([TODO, WIP, REVIEW, RETAKE, DONE])))
def test_posting_one_by_one_is_working_it_out_at_once(statuses: list[Status]) -> None:
    comments = [(row, START + timedelta(hours=n)) for n, row in enumerate(statuses)]
    task = TaskState(task_status_id=TODO.id)
    for row in comments:
        task = after_status(task, *row)
    assert task == after_comments(TODO.id, comments)
    runs = sum(row is RETAKE and (n == 0 or statuses[n - 1] is not RETAKE) for n, row in enumerate(statuses))
    assert task.retake_count == runs
    assert (task.done_date is not None) is (bool(statuses) and statuses[-1] is DONE)


def test_a_done_task_keeps_the_date_it_was_sent_for_review() -> None:
    task = after_comments(TODO.id, [(REVIEW, START), (DONE, START + timedelta(days=1))])
    assert (task.end_date, task.done_date) == (START, START + timedelta(days=1))
    again = after_status(task, WIP, START + timedelta(days=2))
    assert (again.end_date, again.done_date, again.real_start_date) == (None, None, START + timedelta(days=2))


def test_names_count_before_punctuation_and_the_longest_wins() -> None:
    names = [(1, "Ann Lee"), (2, "Ann Lee Smith"), (3, "Bo (FX)")]
    assert named("@Ann Lee, look", "@", names) == [1]
    assert named("hey@Ann Lee Smith\n", "@", names) == [2]
    assert named("@Ann Leeds @ann lee", "@", names) == []
    assert named("@Bo (FX)!", "@", names) == [3]
    assert named("#FX-2d #Layout", "#", [(1, "layout"), (2, "fx-2d"), (3, "fx")], any_case=True) == [1, 2]
