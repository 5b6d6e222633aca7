"""What an answer of the CRM means for the caller, and what it means that none came."""

from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from app.core.record import Snapshot
from app.crm import dialect
from app.crm.dialect import Malformed, Page
from app.crm.errors import Conflict, CRMError, NotThere, OutcomeUnknown, Rejected, Unavailable

UNAUTHORIZED = 401
NOT_IMPLEMENTED = 501
NOT_DONE = frozenset({408, 425, 429, 503})
"""Statuses that promise that nothing was done; any other 5xx may hide a finished write."""
MOVED_ON = frozenset({409, 412})
GONE = frozenset({404, 410})
NO_SUCH_CALL = frozenset({405, 501})
"""Says nothing about a record: it must never be taken for deleted because of these."""


def is_outage(status: int) -> bool:
    """Tell whether the CRM failed, rather than said no."""
    return status >= requests.codes.server_error and status != NOT_IMPLEMENTED


def refusal(answer: requests.Response, retry_after: float | None) -> CRMError:
    """Sort an answer that does not say yes by what to do about it."""
    status = answer.status_code
    if status == UNAUTHORIZED:  # in our words: theirs could repeat the token
        return Unavailable("The CRM does not accept our credentials.", status=status, retry_after=retry_after)
    code, message = dialect.words(status, answer.content)
    about: dict[str, Any] = {"status": status, "code": code}
    if status in NOT_DONE:
        return Unavailable(message, retry_after=retry_after, **about)
    # A redirect is never followed, and is also what some give as the answer to a write that was done.
    if is_outage(status) or status < requests.codes.bad_request:
        return OutcomeUnknown(message, retry_after=retry_after, **about)
    if status in MOVED_ON:
        return Conflict(message, **about)
    is_gone = status in GONE and _is_the_crms_own(answer)
    return (NotThere if is_gone else Rejected)(message, **about)


def _is_the_crms_own(answer: requests.Response) -> bool:
    """Tell a CRM that has no such record from a proxy that has no such page: only the one may delete something here."""
    if not answer.content.strip():
        return True
    try:
        dialect.parse(answer.content)
    except Malformed:
        return False
    return True


def lost(error: requests.RequestException) -> CRMError:
    """Sort a call without an answer: it was never sent, or nobody knows. The text stays ours: theirs can hold data."""
    if isinstance(error, requests.exceptions.InvalidJSONError):
        return Rejected("The record cannot be written as JSON.")
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return Unavailable("The CRM cannot be reached.")
    return OutcomeUnknown(f"The CRM did not give a whole answer ({type(error).__name__}).")


def read_snapshot(answer: requests.Response, asked: str | None = None) -> Snapshot:
    """Read one record. Raises OutcomeUnknown."""
    try:
        return dialect.snapshot(dialect.parse(answer.content), asked=asked)
    except Malformed as error:
        raise _senseless(answer, error) from error


def read_yes(answer: requests.Response, asked: str | None = None) -> None:
    """Check an answer that need not say anything. Raises OutcomeUnknown."""
    try:
        dialect.acknowledged(answer.content, asked=asked)
    except Malformed as error:
        raise _senseless(answer, error) from error


def read_page(answer: requests.Response) -> Page:
    """Read one page of a listing. Raises Unavailable."""
    try:
        return dialect.page(answer.content)
    except Malformed as error:
        raise Unavailable(f"The CRM's answer makes no sense: {error}", status=answer.status_code) from error


def _senseless(answer: requests.Response, error: Malformed) -> OutcomeUnknown:
    return OutcomeUnknown(f"The CRM's answer makes no sense: {error}", status=answer.status_code)
