"""What holds of every record on its way to the CRM and back, whatever the CRM calls its fields."""

from dataclasses import replace

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from app.core import mapping
from app.core.errors import Invalid
from app.core.kinds import LONGEST_EMAIL, Email, Phone, Text
from app.core.resource import Resource
from app.resources import REGISTRY
from app.resources.users import User
from app.sync import delivery

PLAIN = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=30)
VALUES = {
    Text: PLAIN.filter(str.strip),
    Email: st.sampled_from(["ann@example.com", "Ann.O'Brien+x@Example.COM", "é@example.com"]),
    Phone: st.sampled_from(["123-456-7890", "+49 30 901820", "", None]),
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)


def calling(**names):
    """Return users, of which the CRM calls some fields otherwise, or never hears."""
    resource = Resource(User)
    resource.fields |= {name: replace(resource.fields[name], crm=crm) for name, crm in names.items()}
    return resource


RESOURCES = [
    REGISTRY["users"],
    calling(name="subject", email="mail_address"),
    calling(name="email", email="name"),
    calling(phone=None),
]
toys = pytest.mark.parametrize("resource", RESOURCES, ids=["as it is", "renamed", "swapped", "in part"])


def records(resource):
    return st.fixed_dictionaries({}, optional={name: VALUES[one.kind] for name, one in resource.fields.items()})


@toys
@given(data=st.data())
def test_what_goes_to_the_crm_comes_back_the_same(resource, data):
    fields = data.draw(records(resource))

    there = mapping.to_crm(resource, fields)
    back, wrong = mapping.from_crm(resource, there)

    assert wrong == {}
    assert back == {name: value for name, value in fields.items() if name in resource.pushed_fields}
    assert there.keys() <= {one.crm for one in resource.fields.values()}


@toys
@given(said=JSON.filter(lambda one: isinstance(one, dict)), known=st.data())
def test_whatever_the_crm_says_is_taken_or_named_as_wrong(resource, said, known):
    names = st.sampled_from([one.crm for one in resource.fields.values() if one.crm])
    said = said | known.draw(st.dictionaries(names, JSON | PLAIN))

    good, wrong = mapping.from_crm(resource, said)

    mentioned = {name for name, one in resource.fields.items() if one.crm in said}
    assert good.keys() | wrong.keys() == mentioned
    assert not good.keys() & wrong.keys()
    assert all(good[name] == said[resource.fields[name].crm] for name in good)


EVERY = pytest.mark.parametrize("resource", REGISTRY.values(), ids=REGISTRY)


@EVERY
@given(data=st.data())
def test_what_was_said_before_means_the_same_as_if_it_were_read_anew(resource, data):
    theirs = [one.crm for one in resource.fields.values() if one.crm]
    value = st.sampled_from([one.example for one in resource.fields.values()]) | JSON | PLAIN
    before = data.draw(st.fixed_dictionaries(dict.fromkeys(theirs, value)))
    later = before | data.draw(st.dictionaries(st.sampled_from(theirs), value))

    known, _ = mapping.from_crm(resource, before)

    assert mapping.from_crm(resource, later, known) == mapping.from_crm(resource, later)
    assert mapping.kept(resource, mapping.to_crm(resource, known)) == known


@given(JSON | st.fixed_dictionaries({}, optional={
    "crm_id": JSON | PLAIN, "updated_fields": st.dictionaries(st.sampled_from(["name", "email", "phone"]), JSON),
    "timestamp": st.sampled_from(["2026-01-31T12:00:00Z", "9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00"])
    | st.text(), "event": st.sampled_from(["deleted", "created"]) | JSON, "version": JSON, "resource": JSON,
}))  # fmt: skip
def test_any_json_is_a_delivery_or_refused(body):
    try:
        read = delivery.read(body, REGISTRY)
    except Invalid:
        return
    snapshot = delivery.to_snapshot(read)
    assert snapshot.crm_id == body["crm_id"]
    assert delivery.derived_id(read) == delivery.derived_id(dict(reversed(read.items())))


@given(st.text("aZ9.+-_'!\"( é", max_size=70), st.sampled_from(
    ["example.com", "EXAMPLE.com", "a-b.co", "-a.com", "a..com", "a", "localhost", "x.test", "1.2", "xn--80ak6aa92e.com",
     "xn--a.com", "münchen.de", "a" * 64 + ".com", ".".join(["a" * 60] * 4) + ".com", "[127.0.0.1]", "", "a.com."]))  # fmt: skip
def test_an_address_is_good_exactly_when_the_library_says_so(local, domain):
    address = f"{local}@{domain}"
    try:
        validate_email(address, check_deliverability=False)
        is_good = len(address) <= LONGEST_EMAIL
    except EmailNotValidError:
        is_good = False

    try:
        took = Email().deserialize(address) == address
    except ValidationError:
        took = False

    assert took == is_good
