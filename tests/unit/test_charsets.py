"""Which encoding a file is in."""

import io

import pytest

from app.core.errors import Invalid
from app.services.files.charsets import BLOCK, detect

TEXT = "name,email\nJürgen Żak 李,a@example.com\n"


def found(data, asked=None):
    return detect(io.BytesIO(data), asked)


@pytest.mark.parametrize(
    ("written", "read"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("ascii", "utf-8")],
)
def test_unicode_is_known_by_its_mark_or_by_being_valid(written, read):
    text = TEXT if written != "ascii" else "name\n"

    assert found(text.encode(written)) == read
    assert text.encode(written).decode(read) == text


def test_utf_16_of_either_order_is_read():
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        assert (mark + TEXT.encode(encoding)).decode(found(mark + TEXT.encode(encoding))) == TEXT


def test_one_byte_that_is_not_utf_8_anywhere_makes_it_cp1252():
    ascii_only = b"a" * (2 * BLOCK)

    assert found(ascii_only + "Jürgen".encode()) == "utf-8"
    assert found("Jürgen".encode() + ascii_only + "Jürgen".encode("cp1252")) == "cp1252"


def test_a_character_across_two_blocks_is_one_character():
    assert found(b"a" * (BLOCK - 1) + "ü".encode()) == "utf-8"
    assert found(b"a" * BLOCK + "ü".encode()[:1]) == "cp1252"


def test_the_caller_knows_best():
    assert found("ü".encode("latin-1"), "latin-1") == "iso8859-1"
    assert found(b"\xef\xbb\xbfname", "utf8") == "utf-8-sig"


@pytest.mark.parametrize(
    ("data", "asked"),
    [
        (b"\x81\x8d", None), (b"\xff", "utf-8"), (b"\xff\xfeX", None), (b"a", "klingon"), (b"a", "base64"),
        (b"a", "rot13"), (b"a", "utf-8\0"), ("ü".encode(), "ascii"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_said(data, asked):
    with pytest.raises(Invalid, match="encoding"):
        found(data, asked)
