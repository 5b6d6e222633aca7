"""Reads the fields of a page's form as a browser would send them."""

from html.parser import HTMLParser


class _Fields(HTMLParser):
    def __init__(self, number: int) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.kinds: dict[str, str] = {}
        self._left = number
        self._name = ""

    def handle_starttag(self, tag, attrs):
        about = dict(attrs)
        self._left -= tag == "form"
        if self._left:
            return
        if tag in {"input", "textarea", "select"}:
            self._name = about["name"]
            self.kinds[self._name] = about.get("type", tag)
            self.found[self._name] = about.get("value", "")
        elif tag == "option" and "selected" in about:
            self.found[self._name] = about["value"]

    def handle_data(self, data):
        # A browser drops a first end of a line, and sends every other one as two characters.
        if not self._left and self.lasttag == "textarea":
            self.found[self._name] += data.replace("\r\n", "\n").removeprefix("\n").replace("\n", "\r\n")

    def handle_endtag(self, tag):
        self._left -= tag == "form"
        self.lasttag = ""


def fields_of(page: str, form: int = 1) -> tuple[dict[str, str], dict[str, str]]:
    """The values, and the kinds of input, of a page's first form or a later one."""
    parser = _Fields(form)
    parser.feed(page)
    return parser.found, parser.kinds
