"""What a caller says: the members of a JSON body, all that are wrong complained of together; and ids in the path."""

from collections.abc import Collection
from typing import Any

from app.core.errors import Invalid, Messages, NotFound
from app.core.kinds import is_plain
from app.core.schema import summary
from app.http.bodies import read_json, read_raw
from app.http.paging import LONGEST_TEXT


class Form:
    """Reads a JSON object. A member that is left out is None; one that is unknown is refused."""

    def __init__(self, *allowed: str, optional: bool = False) -> None:
        body = {} if optional and not read_raw() else read_json()
        if not isinstance(body, dict):
            raise Invalid("The body must be a JSON object.")
        self._values: dict[str, Any] = body
        self.errors: Messages = {name: ["Unknown field."] for name in body if name not in allowed}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def value(self, name: str) -> Any:
        return self._values.get(name)

    def flag(self, name: str) -> bool:
        """Read a member that is false unless it is said."""
        flag = self._values.get(name, False)
        if not isinstance(flag, bool):
            self.errors[name] = ["Must be true or false."]
        return flag is True

    def number(self, name: str, most: int) -> int | None:
        number = self._values.get(name)
        if name not in self:
            return None
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= most:
            self.errors[name] = [f"Must be a number from 1 to {most}."]
            return None
        return number

    def choice(self, name: str, choices: Collection[str], default: str | None = None) -> str | None:
        text = self._values.get(name, default)
        if name in self and (not isinstance(text, str) or text not in choices):
            self.errors[name] = [f"Must be one of: {', '.join(choices)}."]
            return default
        return text

    def text(self, name: str, longest: int = LONGEST_TEXT) -> str | None:
        text = self._values.get(name)
        if name in self and not _is_text(text, longest):
            self.errors[name] = [f"Must be text of up to {longest} characters, and no control characters."]
            return None
        return text

    def texts(self, name: str, most: int) -> list[str] | None:
        """Read a list that is not empty, each item once."""
        texts = self._values.get(name)
        if name not in self:
            return None
        if not isinstance(texts, list) or not 0 < len(texts) <= most or not all(_is_text(one) for one in texts):
            self.errors[name] = [f"Must be a list of 1 to {most} texts."]
            return None
        return list(dict.fromkeys(texts))

    def choices(self, name: str, choices: Collection[str]) -> list[str]:
        """Read a list of some of the choices, each once; all of them when it is left out."""
        given = self._values.get(name, list(choices))
        if (
            not isinstance(given, list)
            or not given
            or not all(isinstance(one, str) and one in choices for one in given)
        ):
            self.errors[name] = [f"Must be a list of: {', '.join(choices)}."]
            return list(choices)
        return list(dict.fromkeys(given))

    def require(self, name: str) -> None:
        if name not in self:
            self.errors[name] = ["Missing data for required field."]

    def finish(self) -> None:
        """Raise Invalid when anything was wrong."""
        if self.errors:
            raise Invalid(summary(self.errors), errors=self.errors)


def path_id(text: str, what: str) -> str:
    """Return an id from the path. Raises NotFound for what no database stores: it is nobody's id."""
    if not _is_text(text):
        raise NotFound(f"There is no such {what}.")
    return text


def _is_text(text: object, longest: int = LONGEST_TEXT) -> bool:
    return isinstance(text, str) and len(text) <= longest and is_plain(text)
