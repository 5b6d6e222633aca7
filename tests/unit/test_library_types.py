"""The typed records: the same as the declarations, and each of them there and back."""

from dataclasses import fields
from datetime import UTC, date, datetime

import pytest

from app.core.record import Snapshot, Stamp
from app.core.typed import Count, Day, Days, Flag, Free, Moment, Names
from app.crm import CalendarEvent, Comment, Contact, Project, Task, types
from app.crm.typed import ABOUT, CRMRecord, is_required, kind_of
from app.resources import REGISTRY

KINDS = {Day: date, Moment: datetime, Flag: bool, Count: int, Days: list, Names: list, Free: dict}
TYPES = {one.__name__: one for one in vars(types).values() if isinstance(one, type) and issubclass(one, CRMRecord)}
TYPES.pop("CRMRecord")


def type_of(resource):
    return TYPES[resource.singular.title().replace(" ", "")]


def declared(resource):
    return {field.crm: field for field in resource.fields.values() if field.crm}


def python_type(field):
    return next((python for kind, python in KINDS.items() if issubclass(field.kind, kind)), str)


def test_there_is_a_type_for_each_resource_and_no_other():
    assert {type_of(resource).__name__ for resource in REGISTRY.values()} == TYPES.keys()


@pytest.mark.parametrize("resource", REGISTRY.values(), ids=REGISTRY)
class TestAgainstTheDeclaration:
    def test_the_fields_have_the_crms_names(self, resource):
        assert type_of(resource).names() == declared(resource).keys()

    def test_the_same_fields_are_required(self, resource):
        typed = {one.name: is_required(one) for one in fields(type_of(resource)) if one.name in declared(resource)}

        assert typed == {name: field.required for name, field in declared(resource).items()}

    def test_values_have_the_python_type_of_their_kind(self, resource):
        typed = {one.name: kind_of(one) for one in fields(type_of(resource)) if one.name in declared(resource)}

        assert typed == {name: python_type(field) for name, field in declared(resource).items()}

    def test_an_empty_value_is_written_as_the_declaration_writes_it(self, resource):
        empty = {name: {} for name, field in declared(resource).items() if python_type(field) is dict}

        written = type_of(resource).form_of(empty)

        assert written == {name: declared(resource)[name].to_crm({}) for name in empty}

    def test_words_that_are_also_taken_are_written_as_the_crm_writes_them(self, resource):
        given = {name: dict(getattr(field.kind, "aliases", {})) for name, field in declared(resource).items()}
        typed = {one.name: dict(one.metadata.get("aliases", {})) for one in fields(type_of(resource))}

        assert {name: words for name, words in typed.items() if words} == {
            name: one for name, one in given.items() if one
        }

    def test_an_example_comes_back_as_it_was(self, resource):
        example = {name: field.to_crm(field.example) for name, field in declared(resource).items()}
        example |= {name: "CRM7" for name, field in declared(resource).items() if field.reference}
        record = type_of(resource).read(Snapshot("CRM1", example, Stamp(3, datetime(2026, 1, 1, tzinfo=UTC))))

        assert record.written() == example
        assert record.changes() == {}
        assert type_of(resource)(**{name: getattr(record, name) for name in example}).given() == example

    def test_what_the_engine_knows_of_a_record_is_no_field(self, resource):
        assert not ABOUT & declared(resource).keys()


def test_dates_and_times_may_be_given_as_text():
    event = CalendarEvent(title="Call", starts_at="2026-03-02T10:00:00+01:00", recurrence_until="2026-12-31")

    assert event.starts_at == datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert event.recurrence_until == date(2026, 12, 31)
    assert event.given()["starts_at"] == "2026-03-02T09:00:00.000Z"


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: Project(name=None), "Project.name"),
        (lambda: Project(name="x", due_date="soon"), "Project.due_date must be a date"),
        (lambda: Comment(content="x", entity_type="task", entity_id=1), "Comment.entity_id must be text"),
        (lambda: CalendarEvent(title="x", starts_at=datetime(2026, 1, 1)), "CalendarEvent.starts_at"),  # noqa: DTZ001
        (lambda: CalendarEvent(title="x", starts_at="2026-01-01T00:00:00Z", recurrence_count=True), "recurrence_count"),
        (lambda: Task(title="x", completed_at="2026-01-01"), "Task.completed_at must be a time with an offset"),
    ],
)
def test_a_wrong_value_is_named(make, named):
    with pytest.raises(ValueError, match=named):
        make()


def test_a_field_that_a_record_does_not_have_is_named():
    with pytest.raises(ValueError, match="A Task has no assignee"):
        Task.form_of({"assignee": "CRM1"})


def test_a_record_that_was_read_knows_what_has_changed_since():
    task = Task.read(Snapshot("CRM1", {"title": "Call", "assignee_id": "CRM5", "due_date": "2026-02-03"}))
    task.assignee_id, task.due_date = None, date(2026, 2, 4)

    assert task.changes() == {"assignee_id": None, "due_date": "2026-02-04"}


def test_a_list_that_was_changed_in_place_has_changed():
    contact = Contact.read(Snapshot("CRM1", {"acme_tags": ["customer"]}))
    contact.acme_tags.append("friend")

    assert contact.changes() == {"acme_tags": ["customer", "friend"]}


def test_an_odd_value_of_the_crm_stays_as_it_is():
    task = Task.read(Snapshot("CRM1", {"title": None, "due_date": "soon", "status": 7}))

    assert (task.title, task.due_date, task.status) == (None, "soon", 7)
    assert task.changes() == {}


def test_an_empty_address_is_read_as_one():
    assert Contact.read(Snapshot("CRM1", {"acme_address": ""})).acme_address == {}


def test_a_time_where_a_day_belongs_is_read_as_its_day():
    assert Task.read(Snapshot("CRM1", {"due_date": "2026-02-03T00:00:00Z"})).due_date == date(2026, 2, 3)
