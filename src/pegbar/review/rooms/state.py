"""What a room looks at, as plain values: what clients send becomes a change, which is laid over what there was.

Source: spec review, "Review rooms" ("State update").
"""

import json
from typing import Any
from uuid import UUID

State = dict[str, Any]

_COMPARING: State = {
    "enable": False,
    "task_type": None,
    "revision": None,
    "mode": "sidebyside",
    "comparison_preview_index": 0,
}
#: The fields of a state that clients write, with what each is unless they say.
DEFAULTS: State = {
    "user_id": None,
    "local_id": None,
    "is_playing": False,
    "current_entity_id": None,
    "current_entity_index": None,
    "current_preview_file_id": None,
    "current_preview_file_index": None,
    "current_frame": 0,
    "is_repeating": None,
    "is_annotations_displayed": False,
    "is_zoom_enabled": False,
    "is_waveform_displayed": False,
    "is_laser_mode": None,
    "handle_in": None,
    "handle_out": None,
    "speed": None,
    "comparing": _COMPARING,
}
#: A state is ids, numbers and switches: what is longer (as JSON) is none.
LONGEST = 6000


def change(sent: State) -> State | None:
    """What a client's payload changes of a state; None when it is too long, or the database cannot keep it.

    Every field is overwritten, by its default when it is not sent. Kept are the frame when it is not sent, the
    comparison unless it is an object (of which the known keys are taken), and the speed unless it is a number.
    """
    changed = {key: sent.get(key, default) for key, default in DEFAULTS.items()}
    if "current_frame" not in sent:
        del changed["current_frame"]
    if isinstance(sent.get("comparing"), dict):
        changed["comparing"] = {key: value for key, value in sent["comparing"].items() if key in _COMPARING}
    else:
        del changed["comparing"]
    if not _is_number(sent.get("speed")):
        del changed["speed"]
    return changed if _fits(changed) else None


def merged(state: State, changed: State) -> State:
    """A state after a change."""
    return {**state, **changed}


def shown(room_id: UUID, state: State, people: list[str]) -> State:
    """A state as clients read it."""
    return {"playlist_id": str(room_id), "people": people, **merged(DEFAULTS, state)}


def _fits(changed: State) -> bool:
    try:
        text = json.dumps(changed, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError, RecursionError):
        return False
    return len(text) <= LONGEST and b"\\u0000" not in text


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
