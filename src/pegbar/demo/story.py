"""What the demo is about: a short, its people, and what they say. Data only; `plan.py` makes a production of it."""

from dataclasses import dataclass
from typing import Literal

PRODUCTION = "Tin Kite"
DESCRIPTION = "A keeper's daughter builds a kite of tin to call her father's boat home through the storm."

#: No mail reaches this domain, ever (RFC 2606).
_DOMAIN = "tinkite.example"


@dataclass(frozen=True)
class Person:
    """Somebody of the demo."""

    first_name: str
    last_name: str
    role: Literal["manager", "supervisor", "user", "vendor", "client"]
    #: What supervisors look after and others work on.
    side: Literal["Asset", "Shot", ""] = ""

    @property
    def email(self) -> str:
        """The address, which is how the demo knows its people again."""
        return f"{self.first_name}.{self.last_name}@{_DOMAIN}".lower()


#: Administrators are the studio's own: the demo adds none.
PEOPLE = (
    Person("Maud", "Ferrant", "manager"),
    Person("Idris", "Okoye", "supervisor", "Asset"),
    Person("Lene", "Halvorsen", "supervisor", "Shot"),
    Person("Tomas", "Quiroga", "user", "Asset"),
    Person("Yuki", "Amano", "user", "Asset"),
    Person("Petra", "Novak", "user", "Asset"),
    Person("Bram", "Deckers", "user", "Shot"),
    Person("Ana", "Teixeira", "user", "Shot"),
    Person("Ravi", "Menon", "user", "Shot"),
    Person("Harbour", "Post", "vendor", "Shot"),
    Person("Claire", "Dubois", "client"),
)

#: Sequences, with what happens and how many shots tell it.
SEQUENCES = (
    ("SQ010", "Dawn at the lighthouse: the boat leaves.", 6),
    ("SQ020", "In the workshop, among tin and string.", 8),
    ("SQ030", "The first flight fails on the cliff.", 7),
    ("SQ040", "The storm comes up; the lamp goes out.", 7),
    ("SQ050", "The kite flies and catches the lightning.", 8),
    ("SQ060", "Morning: two figures on the beach.", 4),
)
ACTIONS = (
    "Wide on the {place}; the wind picks up.",
    "Close on Wren's hands.",
    "Wren looks up, and holds her breath.",
    "The kite turns against the light.",
    "Over the shoulder to the {place}.",
    "Scuttle the crab steals the string.",
    "Insert: the tin catches the light.",
    "Low angle, the {place} behind.",
)
PLACES = ("lighthouse", "workshop", "cliff", "lamp room", "open sea", "beach")
WEATHER = ("Clear", "Wind", "Wind", "Storm", "Storm", "Calm")

#: Kinds of assets as studios mostly name them, and the assets of each.
ASSETS = {
    "Character": ("Wren", "Father", "Scuttle the Crab", "Gull", "Old Postman", "Harbour Cat"),
    "Prop": (
        *("Tin Kite", "Paper Kite", "Spool", "Pliers", "Tin Sheets", "Oil Lamp", "Brass Telescope"),
        *("Rowing Boat", "Lobster Pot", "Letter", "Tea Kettle", "Storm Bell"),
    ),
    "Environment": ("Lighthouse", "Workshop", "Cliff", "Lamp Room", "Open Sea", "Beach", "Jetty"),
    "FX": ("Rain", "Lightning", "Sea Spray", "Lamp Glow", "Fog"),
}

FINDINGS = (
    ("The silhouette reads well, but the arc breaks on frame 18.", ("Clean the arc", "Check the contact")),
    ("Too heavy in the shadows: we lose the tin.", ("Lift the shadows", "Keep the rim light")),
    ("Lovely. Only the timing of the look is late.", ("Four frames earlier",)),
    ("The string goes through the railing.", ("Fix the intersection", "Check the next shot, too")),
    ("Scale is off against the lighthouse.", ("Match the layout", "Ask for a new turntable")),
)
STARTS = ("Starting on it.", "Picking this up today.", "First pass under way.", "")
DELIVERIES = ("First version for review.", "Here is a take, with notes in.", "Ready for a look.", "Please review.")
SECOND_TAKES = ("Notes are in.", "Second take, all notes done.", "Better now?")
APPROVALS = ("Approved, thank you!", "Good to go.", "Final. Beautiful work.", "Approved.")
REPLIES = ("On it.", "Do you mean the first or the second turn?", "Done in the next take.", "Fixed, rendering now.")
FROM_CLIENT = ("We love this one.", "Could the sky be a little warmer?", "Approved on our side.")
