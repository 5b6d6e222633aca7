"""The examples of the OpenAPI document work."""

import json

from app.core.schema import load
from app.http.openapi_parts import names
from app.resources import REGISTRY
from app.sync import delivery
from tests.support.openapi import complaints, examples, medias, operations, resources


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
def test_every_example_of_a_record_works(client, document, resource):
    one, _ = names(resource)
    made = []
    for media in operations(document)[f"create{one}"][2]["requestBody"]["content"].values():
        made += [client.post(f"/{resource.name}", json=example) for example in examples(media)]
    assert [answer.status_code for answer in made] == [201] * len(made)
    where = made[0].headers["Location"]
    for name, send in ((f"replace{one}", client.put), (f"edit{one}", client.patch)):
        for kind, media in operations(document)[name][2]["requestBody"]["content"].items():
            for example in examples(media):
                assert send(where, data=json.dumps(example), content_type=kind).status_code == 200
