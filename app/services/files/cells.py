"""Cells of a CSV file that a spreadsheet would take for a formula: disarmed on the way out, as they were on the way in.

A cell that begins with = or @, or with + or - and is more than a number or a phone number, gets an apostrophe in front.
What has no letters can call nothing, so phone numbers stay as they are. The reader takes one apostrophe off a cell that
needed it, and no other, so every text comes back as it left.
"""

import json
import re
from typing import Any

_FORMULA = re.compile(r"'*\s*(?:[=@\uff1d\uff20]|[+\-\uff0b\uff0d](?![\d\s().\-/]*\Z))")
"""Apostrophes in front do not matter, so a cell needs one as much before as after it got it. Wide forms count too."""


def guard(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def unguard(cell: str) -> str:
    """Return what `guard` was given."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def text_of(value: Any) -> str:
    """Return what a cell says of a value: texts as they are, no value as nothing, all others as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
