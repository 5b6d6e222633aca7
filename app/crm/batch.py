"""What became of each item of a batch: its record as it now stands, or the error that a call of its own would raise."""

from collections import Counter
from collections.abc import Sequence

import requests

from app.core.record import Snapshot
from app.crm import answers, dialect
from app.crm.dialect import Item, Malformed
from app.crm.errors import CRMError, OutcomeUnknown, Unavailable

Result = Snapshot | CRMError
DONE = frozenset({200, 201})


def read(answer: requests.Response, items: Sequence[Item], *, unsure: bool = False) -> list[Result]:
    """Read the answer to a batch, in the order of `items`. Raises OutcomeUnknown when it makes no sense as a whole.

    `unsure` says that an earlier attempt may have been done: then no item is known to have been left undone.
    """
    try:
        results = dialect.results(answer.content)
    except Malformed as error:
        raise answers.senseless(answer, error) from error
    read = outcomes(items, results)
    return [_still_unknown(one) for one in read] if unsure else read


def outcomes(items: Sequence[Item], results: Sequence[object]) -> list[Result]:
    """Say for each item what its result means."""
    # One for each is in the order of the items; otherwise only what names its record can be told from the rest.
    paired = results if len(results) == len(items) else _by_name(items, results)
    return _each_its_own([_result(item, value) for item, value in zip(items, paired, strict=True)])


def _by_name(items: Sequence[Item], results: Sequence[object]) -> list[object]:
    named: dict[tuple[str, str | None], object] = {
        (key, name): value
        for value in results
        if isinstance(value, dict)
        for key in ("crm_id", "external_id")
        if (name := dialect.identity(value.get(key))) is not None
    }
    return [named.get(item.name) for item in items]


def _result(item: Item, value: object) -> Result:
    if not isinstance(value, dict):
        return OutcomeUnknown("The CRM's answer does not say what became of this record.")
    key, known = item.name
    if dialect.identity(value.get(key)) not in {None, known}:
        return OutcomeUnknown("The CRM's answer speaks of another record in the place of this one.")
    status = value.get("status")
    if type(status) is not int or not 200 <= status < 600:  # noqa: PLR2004
        return OutcomeUnknown("The CRM's answer makes no sense: the result has no status.")
    if status in DONE:
        try:
            return dialect.snapshot({k: v for k, v in value.items() if k != "status"}, asked=item.crm_id)
        except Malformed as error:
            return OutcomeUnknown(f"The CRM's answer makes no sense: {error}", status=status)
    return answers.refused(status, value)


def _each_its_own(read: list[Result]) -> list[Result]:
    """Believe no two items that one record answers to: at least one of the ids is wrong."""
    claims = Counter(one.crm_id for one in read if isinstance(one, Snapshot))
    return [
        OutcomeUnknown(f"The CRM names {one.crm_id} for more than one record.")
        if isinstance(one, Snapshot) and claims[one.crm_id] > 1
        else one
        for one in read
    ]


def _still_unknown(one: Result) -> Result:
    if not isinstance(one, Unavailable) or isinstance(one, OutcomeUnknown):
        return one
    return OutcomeUnknown(one.message, status=one.status, retry_after=one.retry_after)
