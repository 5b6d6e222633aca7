"""Every declared resource, served in the same ways as every other."""

import pytest

from app.core.reference import Reference as Named
from app.resources import REGISTRY
from mock_crm.fields import Resource
from mock_crm.kinds import Choice, Reference
from mock_crm.resources import RESOURCES
from tests.support.crm_records import maker, minimal, whole

each_resource = pytest.mark.parametrize("resource", RESOURCES, ids=lambda each: each.name)


@pytest.fixture
def make(crm):
    return maker(crm)


@pytest.fixture
def body(resource: Resource, make):
    """Every field of a record."""
    return whole(resource, make)


@each_resource
def test_every_field_comes_back_as_it_was_sent(crm, resource, body):
    made = crm.post(f"/crm/{resource.name}", json={**body, "external_id": "mine"})
    assert (made.status_code, {name: made.json[name] for name in body}) == (201, body)
    shown = crm.get(f"/api/v1/{resource.name}/{made.json['crm_id']}").json
    (found,) = crm.get(f"/crm/{resource.name}?external_id=mine").json["items"]
    assert shown == found == made.json == crm.get(f"/crm/{resource.name}").json["items"][-1]


@each_resource
def test_what_is_not_said_is_as_the_crm_has_it_by_itself(crm, resource, make):
    needed = minimal(resource, make)
    record = crm.post(f"/crm/{resource.name}", json=needed).json
    assert {each.name: record[each.name] for each in resource.fields} == {**resource.defaults, **needed}


@each_resource
def test_what_is_needed_is_named_when_it_is_missing(crm, resource):
    answer = crm.post(f"/crm/{resource.name}", json={})
    assert answer.status_code == 400
    assert answer.json["errors"] == {each.name: ["is required"] for each in resource.fields if each.required}


@each_resource
def test_every_optional_field_can_be_emptied_and_what_is_put_again_is_whole(crm, resource, body):
    place = crm.post(f"/crm/{resource.name}", json=body).headers["Location"]
    empty = {each.name: None for each in resource.fields if not each.required}
    emptied = crm.patch(place, json=empty, headers={"If-Match": '"1"'}).json
    assert ({name: emptied[name] for name in empty}, emptied["version"]) == (empty, 2)
    again = crm.put(place, json=body).json
    assert {name: again[name] for name in body} == body
    assert crm.patch(place, json=body).json["version"] == 3


@each_resource
def test_a_field_that_must_not_be_null_is_not(crm, resource, body):
    for each in resource.fields:
        if each.required:
            answer = crm.post(f"/crm/{resource.name}", json={**body, each.name: None})
            assert list(answer.json["errors"]) == [each.name]


@each_resource
def test_a_batch_makes_and_changes_and_its_outcomes_are_no_fields(crm, resource, body):
    items = [{**body, "external_id": "mine", "if_version": 0}, {"external_id": "mine", resource.fields[0].name: 7}]
    made, refused = crm.post(f"/crm/{resource.name}/batch", json={"items": items}).json["results"]
    (again,) = crm.post(f"/crm/{resource.name}/batch", json={"items": [{**body, "crm_id": made["crm_id"]}]}).json[
        "results"
    ]
    assert (made["status"], refused["status"], again) == (201, 400, {**made, "status": 200})
    told = made.get("fields", made)
    assert {name: told[name] for name in body} == body
    assert ("fields" in made) == ("status" in body)


@each_resource
def test_a_webhook_tells_of_every_field_and_then_of_what_changed(crm, resource, make, receiver):
    needed = minimal(resource, make)
    crm.post("/crm/webhooks", json={"url": receiver.url, "secret": "s", "resources": [resource.name]})
    place = crm.post(f"/crm/{resource.name}", json=needed).headers["Location"]
    optional = next((each.name for each in resource.fields if each.default), None)
    if optional:
        crm.patch(place, json={optional: None})
    bodies = receiver.wait_for(2 if optional else 1)
    assert {each["resource"] for each in bodies} == {resource.name}
    assert bodies[0]["updated_fields"] == {**resource.defaults, **needed}
    assert not optional or bodies[1]["updated_fields"] == {optional: None}


@each_resource
def test_two_records_are_merged_and_the_tombstone_is_in_the_feed(crm, resource, make, body):
    lacking = next(each.name for each in resource.fields if not each.required)
    winner = make(resource.name, **{lacking: None})
    loser = crm.post(f"/crm/{resource.name}", json=body).json["crm_id"]
    merged = crm.post(f"/crm/{resource.name}/{winner}/merge", json={"crm_id": loser}).json
    assert merged[lacking] == body[lacking]
    gone = next(each for each in crm.get(f"/crm/{resource.name}").json["items"] if each["crm_id"] == loser)
    assert (gone["deleted"], gone["merged_into"]) == (True, winner)


@each_resource
def test_a_fault_is_for_one_resource(crm, fault, resource):
    fault("status", status=503, resource=resource.name)
    answers = [crm.get(f"/crm/{each.name}").status_code for each in RESOURCES]
    assert answers == [503 if each is resource else 200 for each in RESOURCES]
    assert crm.get("/crm/_stats").json["calls"][f"GET {resource.name}"] == 1


@each_resource
def test_a_crm_that_changes_texts_leaves_all_other_values_alone(crm, fault, resource, body):
    fault("normalise")
    fault("truncate_fields", length=3)
    record = crm.post(f"/crm/{resource.name}", json=body).json
    for each in resource.fields:
        cut = str(body[each.name]).strip().lower()[:3]
        is_text = hasattr(each.kind, "max_length")
        assert str(record[each.name]).lower() == (cut if is_text else str(body[each.name]).lower())


def test_the_crm_keeps_what_the_service_sends_and_has_the_same_defaults():
    assert {each.name for each in RESOURCES} == set(REGISTRY)
    for each in RESOURCES:
        sent = {field.crm: field for field in REGISTRY[each.name].fields.values() if field.crm}
        assert {field.name for field in each.fields} == set(sent)
        for field in each.fields:
            ours = sent[field.name]
            assert field.required == ours.required
            assert field.default == (None if ours.default is None else ours.to_crm(ours.default))
            if isinstance(field.kind, Choice):
                assert {word for word, _ in field.kind.options} == {ours.to_crm(word) for word in ours.kind.choices}
            if isinstance(field.kind, Reference):
                assert issubclass(ours.kind, Named)
                assert field.kind.targets == ours.kind.targets
