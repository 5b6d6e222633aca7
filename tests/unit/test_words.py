"""Folding text to words, reading what is looked for, and marking it in the text it came from."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core import words
from app.core.words import indexed, marked, sought

TEXT = st.text(max_size=60)
ODD = 'ŁÓDŹ ﬁne Straße e\u0301té İstanbul 山田 हिन्दी คน 5\u00ad55-12\u200b3 45 67 <b>&"O\u2019Brien" 👨\u200d👩\u200d👧 ½\ufdfa'


FOLDED = [
    ("John SMITH", "john smith"),
    ("Zoë Ångström", "zoe angstrom"),
    ("e\u0301te\u0301", "ete"),
    ("Straße", "strasse"),
    ("Łódź Øre Þór", "lodz ore thor"),
    ("İstanbul \u0131s\u0131", "istanbul isi"),
    ("ﬁne \uff26\uff55\uff4c\uff4c", "fine full"),
    ("Σίσυφος", "σισυφοσ"),
    ("山田太郎", "山 田 太 郎"),
    ("co\u00adoperate", "cooperate"),
    ("john.smith+x@example.com", "john smith x example com"),
    ("555-987-6543", "555 987 6543 5559876543"),
    ("+1 (555) 987-6543", "1 555 987 6543 15559876543"),
    ("2 apples, 3 pears", "2 apples 3 pears"),
    ("O'Brien O\u2019Neil", "o brien neil obrien oneil"),
    ("one one ONE", "one"),
    ("👨\u200d👩\u200d👧 ❤\ufe0f !?-_\\'\"", ""),
    ("", ""),
]


@pytest.mark.parametrize(("text", "found"), FOLDED)
def test_text_is_folded_to_words(text, found):
    assert indexed([text]) == found


@given(TEXT)
@example(ODD)
def test_words_hold_nothing_that_a_database_reads_more_into(text):
    for word in indexed([text]).split(" "):
        assert re.fullmatch("[0-9a-z\x80-\U0010ffff]*", word)
        assert not any(character.isspace() for character in word)


@given(TEXT)
@example(ODD)
def test_whatever_can_be_looked_for_is_found_by_its_own_words(text):
    looked_for = sought(text)
    assert (looked_for is None) == (indexed([text]) == "")
    if looked_for is not None:
        assert set(looked_for.words) <= {word[: words.LONGEST] for word in indexed([text]).split(" ")}
        assert marked(text, looked_for) is not None


@given(TEXT, TEXT)
@example(ODD, "LODZ fi strass ete 山 555 o b < 1")
def test_marks_only_add_to_the_text(text, query):
    looked_for = sought(query)
    found = None if looked_for is None else marked(text, looked_for)
    if found is not None:
        plain = re.sub("</?mark>", "", found)
        assert plain == plain_html(text)
        assert found.count("<mark>") == found.count("</mark>") > 0


def plain_html(text):
    for character, escaped in {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#x27;"}.items():
        text = text.replace(character, escaped)
    return text


MARKED = [
    ("John Smith", "smi", "John <mark>Smi</mark>th"),
    ("Zoë", "zoe", "<mark>Zoë</mark>"),
    ("e\u0301te\u0301", "ete", "<mark>e\u0301te\u0301</mark>"),
    ("Straße 1", "strass", "<mark>Straß</mark>e 1"),
    ("ﬁne", "f", "<mark>ﬁ</mark>ne"),
    ("山田太郎", "太郎", "山田<mark>太</mark><mark>郎</mark>"),
    ("555-987-6543", "5559876", "<mark>555-987-6</mark>543"),
    ("555-987-6543", "(555) 98", "<mark>555-98</mark>7-6543"),
    ('<Ann> & "Bo"', "bo", "&lt;Ann&gt; &amp; &quot;<mark>Bo</mark>&quot;"),
    ("O\u2019Brien", "obr", "<mark>O\u2019Br</mark>ien"),
    ("Ann", "an ann", "<mark>Ann</mark>"),
    ("Ann", "bo", None),
    ("", "bo", None),
]


@pytest.mark.parametrize(("text", "query", "found"), MARKED)
def test_what_was_looked_for_is_marked_where_it_stands(text, query, found):
    assert marked(text, sought(query)) == found


def test_a_long_text_is_cut_around_the_first_mark():
    found = marked("x " * 500 + "Needle <i>" + " y" * 500, sought("needle"))

    assert "<mark>Needle</mark> &lt;i&gt;" in found
    assert found.startswith("…")
    assert found.endswith("…")
    assert len(found) < 300


@pytest.mark.parametrize("query", ["", " ", "!?", "\"'`", "👨\u200d👩\u200d👧", "*", "-", "\ufe0f\u200d"])
def test_a_search_without_a_word_is_none(query):
    assert sought(query) is None


def test_only_so_many_words_and_characters_count():
    many = sought(" ".join(str(number) for number in range(100)))
    long = sought("x" * 300)

    assert len(many.words) == words.MOST_SOUGHT
    assert long.words == ("x" * words.LONGEST,)
    assert len(indexed([" ".join(map(str, range(10**5)))])) <= words.MOST_INDEXED
