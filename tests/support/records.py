"""Records of any resource, made from its declaration."""

from app.core.db import transact
from app.core.record import Record
from app.http import openapi_examples as examples
from app.store.work import Work


def referred_to(engine, resource):
    """Make the records that the examples of a resource refer to, under the ids that these have."""
    for name, kind in resource.references.items():
        example = examples.whole(resource)
        if example[name] is not None:
            make(engine, engine.registry[kind.target(example)], example[name])


def make(engine, resource, identity):
    """Make a record with an id of the test's choosing, as if the CRM had heard of it, unless it is there."""
    now = engine.world.now()

    def store(tx):
        work = Work(tx, resource)
        if work.record(identity) is None:
            fields = resource.whole(examples.least(resource))
            work.add(Record(resource.name, identity, fields, now, now, status="synced"))
        work.flush(now)

    transact(store)
