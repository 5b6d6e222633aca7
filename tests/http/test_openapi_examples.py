"""The examples of the OpenAPI document work."""

import json

import pytest

from app.core.schema import load
from app.http import openapi_examples
from app.http.openapi_parts import names
from app.http.openapi_relations import action_id, belonging
from app.resources import REGISTRY
from app.sync import delivery
from tests.support.openapi import complaints, examples, medias, operations, resources
from tests.support.records import make, referred_to


@pytest.fixture
def registry():
    return REGISTRY


@pytest.fixture
def settings():
    return {"SYNC_MODE": "worker"}


def test_every_example_fits_its_schema(document):
    found = {place: (media["schema"], value) for place, media in medias(document) for value in examples(media)}
    assert len(found) > 50
    for place, (schema, value) in found.items():
        assert complaints(document, schema, value) == [], place


@resources
def test_every_example_of_a_record_can_be_read(document, resource):
    one, _ = names(resource)
    readers = {f"create{one}": resource.full, f"replace{one}": resource.full, f"edit{one}": resource.partial}
    for name, reader in readers.items():
        for media in operations(document)[name][2]["requestBody"]["content"].values():
            assert examples(media)
            assert all(load(reader, example) for example in examples(media))


def test_every_example_of_a_webhook_can_be_read(document):
    (media,) = operations(document)["receiveWebhook"][2]["requestBody"]["content"].values()
    one, batch = examples(media)
    assert all(delivery.read(each, REGISTRY) for each in [one, *batch])


@resources
def test_what_is_another_value_is_one_that_the_field_takes(resource):
    for name, field in resource.fields.items():
        others = [openapi_examples.other(field, number) for number in range(1, 10)]
        assert all(load(resource.partial, {name: value}) for value in others), name
        assert field.reference or openapi_examples.value(field) not in others, name
    edited = openapi_examples.edited(resource)
    assert len({openapi_examples.other(edited, number) for number in range(1, 10)}) == 9


@resources
def test_every_example_of_a_record_works(client, document, engine, resource):
    one, _ = names(resource)
    referred_to(engine, resource)
    made = []
    for media in operations(document)[f"create{one}"][2]["requestBody"]["content"].values():
        made += [client.post(f"/{resource.name}", json=example) for example in examples(media)]
    assert [answer.status_code for answer in made] == [201] * len(made)
    where = made[0].headers["Location"]
    for name, send in ((f"replace{one}", client.put), (f"edit{one}", client.patch)):
        for kind, media in operations(document)[name][2]["requestBody"]["content"].items():
            for example in examples(media):
                assert send(where, data=json.dumps(example), content_type=kind).status_code == 200


@resources
def test_every_example_about_what_belongs_to_a_record_works(client, document, engine, resource):
    one, _ = names(resource)
    make(engine, resource, openapi_examples.IDENTITY)
    where = f"/{resource.name}/{openapi_examples.IDENTITY}"
    for child in belonging(resource):
        referred_to(engine, child)
        for example in bodies(document, f"create{names(child)[0]}Of{one}"):
            made = client.post(f"{where}/{child.name}", json=example)
            assert made.status_code == 201, made.text
            assert client.get(made.headers["Location"]).json["id"] == made.json["id"]
    for name in resource.actions:
        for example in bodies(document, action_id(resource, name)):
            assert client.patch(f"{where}/{name}", json=example).status_code == 200


@resources
def test_every_example_about_many_records_works(client, document, engine, resource):
    _, many = names(resource)
    referred_to(engine, resource)
    make(engine, resource, openapi_examples.IDENTITY)
    for example in bodies(document, f"edit{many}"):
        edited = client.patch(f"/{resource.name}", json=example)
        assert (edited.status_code, edited.json["failed"]) == (200, 0), edited.text
    made = client.post(f"/{resource.name}/batch", json=next(bodies(document, f"create{many}")))
    assert made.json["created"] > 0


def bodies(document, name):
    for media in operations(document)[name][2]["requestBody"]["content"].values():
        yield from examples(media)
