"""What the fuzzer complains of although it is right: what a document cannot say, each with its reason."""

import json

from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree


def explained(failure, case, response):
    reasons = REASONS.get(case.operation.definition.raw["operationId"], ())
    return any(isinstance(failure, kind) and holds(case, response) for kind, holds in reasons)


def _body(response):
    return json.loads(response.content)


def _wrong_is(*names):
    return lambda _case, response: response.status_code == 400 and set(_body(response)["errors"]) == set(names)


def _disagrees(case, response):
    return "version" in case.body and "If-Match" in _body(response)["detail"]


def _beyond_64_bits(_case, response):
    return response.status_code == 400 and "a number is too large" in _body(response)["detail"]


def _said_of_each(_case, response):
    """A batch is answered item by item: the bad one is refused in the answer, and the good ones are stored."""
    return response.status_code == 200 and any(
        one.get("outcome") == "invalid" or one.get("status", 0) >= 400 for one in _body(response)["results"]
    )


def _always(_case, _response):
    return True


REASONS = {
    # A cursor is good only for the listing that made it.
    "listUsers": [(RejectedPositiveData, _wrong_is("cursor"))],
    # Which values a decision takes depends on the field that the conflict is about.
    "resolveConflict": [(RejectedPositiveData, _wrong_is("value"))],
    # Two preconditions in one request that contradict each other.
    "replaceUser": [(RejectedPositiveData, _disagrees)],
    "editUser": [(RejectedPositiveData, _disagrees)],
    "createUsers": [(AcceptedNegativeData, _said_of_each)],
    # Members that nobody declared may be of any kind, but no body holds a number beyond 64 bits.
    "receiveWebhook": [(AcceptedNegativeData, _said_of_each), (RejectedPositiveData, _beyond_64_bits)],
    # What a record has been through can be read after its deletion too.
    "explainUser": [(UseAfterFree, _always)],
    "listUserChanges": [(UseAfterFree, _always)],
}
