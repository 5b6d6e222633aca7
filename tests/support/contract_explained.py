"""What the fuzzer complains of although it is right: what a document cannot say, each with its reason."""

import json
import re

from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

from app.core.typed import Free
from app.resources import REGISTRY


def explained(failure, case, response):
    name = case.operation.definition.raw["operationId"]
    reasons = [reason for words, found in REASONS.items() if re.fullmatch(words, name) for reason in found]
    return any(isinstance(failure, kind) and holds(case, response) for kind, holds in reasons)


def _body(response):
    return json.loads(response.content)


def _wrong_is(*names):
    return lambda _case, response: response.status_code == 400 and set(_body(response)["errors"]) == set(names)


def _disagrees(case, response):
    return isinstance(case.body, dict) and "version" in case.body and "If-Match" in _body(response)["detail"]


def _beyond_64_bits(_case, response):
    return response.status_code == 400 and "a number is too large" in _body(response)["detail"]


def _said_of_each(_case, response):
    """A batch is answered item by item: the bad one is refused in the answer, and the good ones are stored."""
    return response.status_code == 200 and any(
        one.get("outcome") == "invalid" or one.get("status", 0) >= 400 for one in _body(response)["results"]
    )


def _always(_case, _response):
    return True


def _is_against_a_rule_between_fields(_case, response):
    """What has to hold between fields is no schema's to say."""
    if response.status_code != 400:
        return False
    found = list((_body(response).get("errors") or {"": [""]}).values())
    return {message for messages in found for message in messages} <= BETWEEN


def _is_no_word(_case, response):
    return response.status_code == 400 and set(_body(response)["errors"]) == {"q"}


def _is_named_twice(case, _response):
    return "resources" in (case.query or {})


def _asks_for_half_a_window(_case, response):
    return response.status_code == 400 and set(_body(response)["errors"]) <= {"from", "to", "sort", "cursor"}


def _refers_to_nobody(_case, response):
    """Whom a reference may name depends on who is there; so does what an object of the caller's choosing may hold.

    Of a batch, other items may break a rule between fields.
    """
    if response.status_code != 400:
        return False
    errors = _body(response).get("errors") or {"": [""]}
    return all(
        name.rpartition(".")[2] in FREE
        or all(message.startswith("There is no such record") or message in BETWEEN for message in messages)
        for name, messages in errors.items()
    )


def _is_about_the_updated_fields(_case, response):
    return response.status_code == 400 and all(
        name.rpartition("]")[2].startswith(("updated_fields.", ".updated_fields."))
        for name in _body(response)["errors"]
    )


BETWEEN = {
    "Must not be before starts_at.",
    "Is given without a recurrence.",
    "Must not be given with recurrence_until.",
    "Must not be before the day of starts_at.",
}
FREE = {name for one in REGISTRY.values() for name, field in one.fields.items() if issubclass(field.kind, Free)}
REASONS = {
    # A cursor is good only for the listing that made it.
    r"list\w+": [(RejectedPositiveData, _wrong_is("cursor"))],
    r"list\w*CalendarEvents\w*": [(RejectedPositiveData, _asks_for_half_a_window)],
    # A word has a letter or a digit in it; who names a resource twice means it once.
    r"search\w*": [(RejectedPositiveData, _is_no_word), (AcceptedNegativeData, _is_named_twice)],
    # Which values a decision takes depends on the field that the conflict is about.
    "resolveConflict": [(RejectedPositiveData, _wrong_is("value"))],
    # Two preconditions in one request that contradict each other.
    r"(replace|edit|assign|set)\w+": [(RejectedPositiveData, _disagrees)],
    r"(create|edit)\w+s": [(AcceptedNegativeData, _said_of_each)],
    r"(create|replace|edit|assign)\w+": [
        (RejectedPositiveData, _refers_to_nobody),
        (RejectedPositiveData, _is_against_a_rule_between_fields),
        (RejectedPositiveData, _beyond_64_bits),
    ],
    # Members that nobody declared may be of any kind, but no body holds a number beyond 64 bits.
    "receiveWebhook": [
        (AcceptedNegativeData, _said_of_each),
        (RejectedPositiveData, _beyond_64_bits),
        (RejectedPositiveData, _is_about_the_updated_fields),
    ],
    # What a record has been through can be read after its deletion too.
    r"explain\w+|list\w+Changes": [(UseAfterFree, _always)],
}
"""By the names of operations, each a regular expression."""
