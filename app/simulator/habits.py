"""What is peculiar about the CRM of a history: what it can do, and what it makes of the values it gets."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

CUT = 6
"""Characters that a CRM which cuts texts keeps."""
MANGLES: dict[str, Callable[[str], str]] = {
    "": lambda text: text,
    "strip": str.strip,
    "upper": str.upper,
    "cut": lambda text: text[:CUT] if text.replace(" ", "").isalpha() else text,
}


@dataclass(frozen=True)
class Habits:
    """Holds for a whole history. A CRM has at least one way to find out whether a create arrived."""

    mangles: str = ""
    drops: str | None = None
    """A field that it takes and never shows again."""
    keeps_keys: bool = True
    looks_up: bool = True
    """Finds records by our id, in `GET ?external_id=`."""
    finds_late: bool = False
    """Does so only when something else has been written since."""
    has_batches: bool = True
    has_feed: bool = True
    lists_late: bool = False
    """Now and then the feed shows the last write but one only after the last."""
    coarse: bool = False
    """Stamps have whole seconds."""
    plain_letters: bool = False
    """Its webhooks say no version."""
    versions: bool = True
    """Otherwise its clock alone says what is newer, and no push can depend on what was known."""
    lifetime: Any = 3600
    """`expires_in` of its tokens, seconds."""

    def stored(self, fields: dict[str, Any], as_is: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Return what it makes of values that it is sent; words and ids that mean something it leaves `as_is`."""
        mangle = MANGLES[self.mangles]
        kept = {name: value for name, value in fields.items() if name != self.drops}
        return {
            name: mangle(value) if isinstance(value, str) and name not in as_is else value
            for name, value in kept.items()
        }
