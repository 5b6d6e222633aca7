"""How text is looked for: folded to words of letters and digits, the same for every database, and marked in the text.

The databases only ever see these words, so that both find the same: neither splits, stems or folds by rules of its own.
"""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

LONGEST = 64
"""Characters of a word that count."""
MOST_INDEXED = 200_000
"""Characters of words of one record that are kept: no PostgreSQL tsvector is longer than a megabyte."""
MOST_SOUGHT = 32
"""Words of a search that count."""
EXCERPT, BEFORE = 240, 60
"""Characters that are shown of a long text, and how many of them stand before the first mark."""
_LETTERS = str.maketrans(
    {"ø": "o", "đ": "d", "ð": "d", "ł": "l", "ħ": "h", "ŧ": "t", "\u0131": "i", "æ": "ae", "œ": "oe", "þ": "th"}
    | dict.fromkeys("\u2018\u2019\u02bc\u02b9\uff07", "'")
)
"""What Unicode does not take apart: letters with a stroke, ligatures, and apostrophes."""
_IDEOGRAPHS = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
"""Written without spaces: each is a word."""
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_LETTER = "0-9a-z\x80-\U0010ffff"
_WORD = re.compile(f"[{_LETTER}]+")
_JOINED = re.compile(
    rf"(?<![{_LETTER}])(?:\d[ ().\-/]{{0,2}}){{6,14}}\d(?![{_LETTER}])|[a-z\x80-\U0010ffff]+(?:'[a-z\x80-\U0010ffff]+)+"
)
"""What is one word to some and several to others: a phone number in groups, a name with an apostrophe."""
_GROUPS = re.compile(r"[+ ().\-/]*\d+(?:[ ().\-/]+\d+)+[ ().\-/]*")


class _Folding(dict[int, str]):
    """What becomes of a character, worked out when it is first met; ASCII between words stays as it is."""

    def __missing__(self, code: int) -> str:
        whole = unicodedata.normalize("NFKD", chr(code)).casefold().translate(_LETTERS)
        found = self[code] = "".join(map(_fold_piece, unicodedata.normalize("NFKD", whole)))
        return found


def _fold_piece(piece: str) -> str:
    category = unicodedata.category(piece)
    if unicodedata.combining(piece) or category == "Cf" or _SELECTORS.match(piece):
        return ""
    if _IDEOGRAPHS.match(piece):
        return f" {piece} "
    if piece.isascii() or piece.isalnum() or category[0] == "M":  # marks that are left are vowels
        return piece
    return "-" if category == "Pd" else " "


_FOLDING = _Folding()


@dataclass(frozen=True, slots=True)
class Sought:
    """What a person looks for: all of the words; `joined` is what a number in groups is when it is written as one."""

    words: tuple[str, ...]
    joined: str | None = None

    def length_in(self, word: str) -> int:
        """Return how many characters of a word's beginning are looked for; 0 when it is another word."""
        beginnings = (*self.words, self.joined or self.words[0])
        return max((len(one) for one in beginnings if word.startswith(one)), default=0)


def sought(text: str) -> Sought | None:
    """Read what somebody looks for; None when there is no word in it."""
    folded = text.translate(_FOLDING)
    words = tuple(dict.fromkeys(word[:LONGEST] for word in _WORD.findall(folded)))[:MOST_SOUGHT]
    if not words:
        return None
    return Sought(words, re.sub(r"\D", "", folded)[:LONGEST] if _GROUPS.fullmatch(folded) else None)


def indexed(texts: Iterable[str]) -> str:
    """Return the words of some texts, each once, with spaces between."""
    found: dict[str, None] = {}
    size = 0
    for text in texts:
        folded = text.translate(_FOLDING)
        joined = ("".join(_WORD.findall(one[0])) for one in _JOINED.finditer(folded))
        for word in (*_WORD.findall(folded), *joined):
            kept = word[:LONGEST]
            if kept not in found:
                size += len(kept) + 1
                if size > MOST_INDEXED:
                    return " ".join(found)
                found[kept] = None
    return " ".join(found)


def marked(text: str, looked_for: Sought) -> str | None:
    """Return a text as HTML with <mark> around what was looked for; None when nothing was. A long one is cut."""
    spans = _spans(text, looked_for)
    if not spans:
        return None
    begin, end = 0, len(text)
    if end > EXCERPT + BEFORE:
        begin = max(0, spans[0][0] - BEFORE)
        end = min(end, begin + EXCERPT)
    parts, at = ["…" if begin else ""], begin
    for first, last in spans:
        if first < end:
            parts += [html.escape(text[at:first]), "<mark>", html.escape(text[first : min(last, end)]), "</mark>"]
            at = min(last, end)
    return "".join([*parts, html.escape(text[at:end]), "…" if end < len(text) else ""])


def _words(folded: str) -> Iterator[tuple[str, Sequence[int]]]:
    """Yield words, and where each of their characters stands."""
    for found in _WORD.finditer(folded):
        yield found[0], range(found.start(), found.end())
    for found in _JOINED.finditer(folded):
        places = [place for place in range(found.start(), found.end()) if _WORD.match(folded[place])]
        yield "".join(folded[place] for place in places), places


def _spans(text: str, looked_for: Sought) -> list[tuple[int, int]]:
    """Return from where to where a text is marked; folding changes lengths, so that places are followed back."""
    pieces = [_FOLDING[ord(character)] for character in text]
    origins = [place for place, piece in enumerate(pieces) for _ in piece] + [len(text)]
    spans = []
    for word, places in _words("".join(pieces)):
        if length := min(looked_for.length_in(word), len(places)):
            last = places[length - 1]
            spans.append((origins[places[0]], max(origins[last] + 1, origins[last + 1])))
    return _merged(sorted(spans))


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for first, last in spans:
        if merged and first < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged
