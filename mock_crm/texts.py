"""Lists the kinds of values that are free text."""

import re
from typing import Any

from mock_crm.kinds import Kind, lines

_PLAUSIBLE_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")


class Text(Kind):
    def __init__(self, max_length: int) -> None:
        self.max_length = max_length

    def fault(self, value: object) -> str | None:
        if not isinstance(value, str):
            return "must be a string"
        if len(value) > self.max_length:
            return f"must be at most {self.max_length} characters"
        return "must not hold a NUL character" if "\0" in value else None


class Prose(Text):
    """Text of several lines."""

    widget = "textarea"

    def __init__(self, max_length: int = 1_000_000) -> None:
        super().__init__(max_length)

    def read(self, text: str) -> Any:
        return lines(text) or self.empty


class Email(Text):
    widget = "email"

    def __init__(self, max_length: int = 254) -> None:
        super().__init__(max_length)

    def fault(self, value: object) -> str | None:
        wrong = super().fault(value)
        is_odd = value and isinstance(value, str) and not _PLAUSIBLE_EMAIL.fullmatch(value)
        return wrong or ("must be an e-mail address" if is_odd else None)


class Phone(Text):
    widget = "tel"

    def __init__(self, max_length: int = 32) -> None:
        super().__init__(max_length)
