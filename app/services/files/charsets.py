"""Which encoding a file is in, found by reading all of it once: half a file in one and half in another is nobody's."""

import codecs
from typing import BinaryIO

from app.core.errors import Invalid

MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
FALLBACK = "cp1252"
BLOCK = 64 * 1024


def detect(file: BinaryIO, asked: str | None = None) -> str:
    """Return the name of the encoding of a file, which must be seekable. Raises Invalid.

    The rule: what the caller says; else what a byte order mark says (UTF-8 or UTF-16); else UTF-8, if all of the file
    is; else cp1252, the old default of Windows.
    """
    choices = [_known(asked)] if asked else _guesses(file)
    for choice in choices:
        if _decodes(file, choice):
            return choice
    raise Invalid(f"The file is not {' and not '.join(choices)}. Say which encoding it is in.")


def _known(asked: str) -> str:
    try:
        "a".encode(asked)  # not every codec is one of texts
        name = codecs.lookup(asked).name
    except (LookupError, ValueError) as error:
        raise Invalid(f"There is no encoding {asked!r}.") from error
    return "utf-8-sig" if name == "utf-8" else name


def _guesses(file: BinaryIO) -> list[str]:
    file.seek(0)
    head = file.read(len(codecs.BOM_UTF8))
    marked = [name for mark, name in MARKS if head.startswith(mark)]
    return marked or ["utf-8", FALLBACK]


def _decodes(file: BinaryIO, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    file.seek(0)
    try:
        while block := file.read(BLOCK):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True
