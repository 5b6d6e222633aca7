"""Rows out of CSV and NDJSON files, however these were written."""

import io
import itertools
import json

import pytest

from app.core.errors import Invalid
from app.resources import REGISTRY
from app.services.files import tabular
from app.services.files.columns import Names
from app.services.files.tabular import LONGEST, sniff

USERS = REGISTRY["users"]


def table(data, kind="csv", mapped=None, encoding="utf-8", delimiter=""):
    data = data.encode(encoding) if isinstance(data, str) else data
    return tabular.read(io.BytesIO(data), kind, encoding, USERS, Names(USERS, mapped), delimiter)


def rows(data, kind="csv", **more):
    return list(table(data, kind, **more).rows)


def fields(data, kind="csv", **more):
    return [row.fields for row in rows(data, kind, **more)]


def test_rows_have_their_fields_and_their_line():
    found = rows("name,email,phone\nAnn,a@example.com,123\n\n,,\nBob,b@example.com,\n")

    assert [row.line for row in found] == [2, 5]
    assert found[0].fields == {"name": "Ann", "email": "a@example.com", "phone": "123"}
    assert found[1].fields["phone"] is None


def test_a_required_cell_that_is_empty_is_left_to_be_refused():
    assert fields("name,email\n,a@example.com\n") == [{"name": "", "email": "a@example.com"}]


@pytest.mark.parametrize("header", ["E-Mail,NAME", "e_mail,name", " e mail , Name", "EMAIL,na-me", '"email","name"'])
def test_a_column_is_found_however_its_name_is_spelled(header):
    assert fields(f"{header}\na@example.com,Ann\n") == [{"email": "a@example.com", "name": "Ann"}]


def test_other_columns_are_mapped_and_the_rest_is_ignored():
    found = table(
        "Work E-Mail,email,Full Name,Notes,\nw@x,p@x,Ann,n,\n", mapped={"work email": "email", "full-name": "name"}
    )

    assert list(found.ignored) == ["email", "Notes", ""]
    assert [row.fields for row in found.rows] == [{"email": "w@x", "name": "Ann"}]


@pytest.mark.parametrize(
    ("header", "mapped", "why"),
    [
        ("name,phone", {}, "No column is email"),
        ("name,email,E-Mail", {}, "Two columns are email"),
        ("name,email", {"Mail": "email"}, "no column Mail"),
        ("name,email", {"email": "colour"}, "no field 'colour'"),
        ("name,email", {"email": "name", "name": "name"}, "Two columns are mapped to name"),
        ("", {}, "empty"),
        ('"name', {}, "no header"),
        ("x" * (LONGEST + 1), {}, "no header"),
    ],
)
def test_columns_that_make_no_record_are_refused_before_any_row(header, mapped, why):
    with pytest.raises(Invalid, match=why):
        table(f"{header}\n" if header else "", mapped=mapped)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_delimiter_and_the_line_ends_are_found_out(delimiter, end):
    header, row = delimiter.join(["name", "email"]), delimiter.join(["Ann", "a@example.com"])

    assert fields(f"{header}{end}{row}{end}") == [{"name": "Ann", "email": "a@example.com"}]


def test_a_delimiter_within_quotes_divides_nothing():
    assert sniff('"a,b,c";email\n') == ";"
    assert fields("name:email\nAnn:a@x\n", delimiter=":") == [{"name": "Ann", "email": "a@x"}]


def test_quoted_cells_hold_anything():
    found = rows('name,email\n"A ""B""\nC, D",a@x\nBob,b@x\n')

    assert found[0].fields["name"] == 'A "B"\nC, D'
    assert [row.line for row in found] == [2, 4]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("Ann", "1 cells, the header has 2"),
        ("Ann,a@x,3", "3 cells"),
        ('"Ann"x,a@x', "Not CSV"),
        (f"Ann,{'x' * 140_000}", "Not CSV"),
        ("x" * (LONGEST + 5), "longer than"),
    ],
)
def test_a_row_that_is_no_row_is_named_and_the_next_one_is_read(bad, why):
    found = rows(f"name,email\n{bad}\nBob,b@x\n")

    assert [row.line for row in found] == [2, 3]
    assert why in found[0].problem
    assert found[0].fields == {}
    assert found[1].fields["name"] == "Bob"


def test_a_quote_that_does_not_end_is_named_where_it_began():
    found = rows('name,email\nBob,b@x\n"Ann,a@x\nEve,e@x\n')

    assert [(row.line, row.problem) for row in found[1:]] == [(3, "Not CSV: a quoted cell does not end.")]
    assert found[1].original == '"Ann,a@x\nEve,e@x\n'


def test_an_object_a_line():
    lines = [{"name": "Ann", "E-Mail": "a@x", "phone": None, "id": "1"}, {"email": "b@x", "tags": []}]
    data = "\n\n".join(json.dumps(one) for one in lines)

    found = table(data, "ndjson")

    assert [(row.line, row.fields) for row in found.rows] == [
        (1, {"name": "Ann", "email": "a@x", "phone": None}),
        (3, {"email": "b@x"}),
    ]
    assert list(found.ignored) == ["id", "tags"]


@pytest.mark.parametrize(
    "bad",
    ["[]", "7", "null", "{", '{"name": "A", "name": "B"}', '{"email": "a", "E-Mail": "b"}', '{"name": NaN}', '{"x": 1e999}',
     "[" * 100_000, "x" * (LONGEST + 5), "9" * 5000, '{"name": "A"} {}'],
)  # fmt: skip
def test_a_line_that_is_no_object_is_named_and_the_next_one_is_read(bad):
    found = rows(f'{bad}\n{{"email": "b@x"}}\n', "ndjson")

    assert [row.line for row in found] == [1, 2]
    assert found[0].problem
    assert found[1].fields == {"email": "b@x"}


def test_line_separators_of_unicode_end_no_line():
    assert fields('{"name": "A\u2028B\u0085C"}\n', "ndjson") == [{"name": "A\u2028B\u0085C"}]
    assert fields("name,email\nA\u2028B,a@x\n") == [{"name": "A\u2028B", "email": "a@x"}]


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_no_more_is_read_than_was_asked_for(kind):
    line = b"Ann,a@x\n" if kind == "csv" else b'{"name": "Ann"}\n'
    file = io.BytesIO((b"name,email\n" if kind == "csv" else b"") + line * 100_000)
    found = tabular.read(file, kind, "utf-8", USERS, Names(USERS))

    assert len(list(itertools.islice(found.rows, 10))) == 10
    assert file.tell() < 20_000
