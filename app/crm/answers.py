"""What an answer of the CRM means for the caller, and what it means that none came."""

from collections.abc import Mapping
from typing import Any

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from app.core.record import Snapshot
from app.crm import dialect
from app.crm.dialect import Listed, Malformed, Page
from app.crm.errors import Conflict, CRMError, NotThere, OutcomeUnknown, Rejected, Unavailable

REQUEST_ID = "X-Request-Id"
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
    try:
        error = refused(answer.status_code, dialect.parse(answer.content), retry_after)
    except Malformed:
        # A proxy that has no such page is no CRM that has no such record: only the one may delete something here.
        error = refused(answer.status_code, {}, retry_after, is_own=not answer.content.strip())
    error.request_id = request_id(answer)
    return error


def request_id(answer: requests.Response) -> str | None:
    """Return the id by which the CRM's people find a call in their logs: the one they gave it, else ours."""
    sent = None if answer.request is None else answer.request.headers.get(REQUEST_ID)
    return dialect.identity(answer.headers.get(REQUEST_ID)) or sent


def refused(status: int, said: Mapping[str, Any], retry_after: float | None = None, *, is_own: bool = True) -> CRMError:
    """Sort a refusal of one write, be it an answer or an item of one; `is_own` says that the CRM itself wrote it."""
    if status == UNAUTHORIZED:  # in our words: theirs could repeat the token
        return Unavailable("The CRM does not accept our credentials.", status=status, retry_after=retry_after)
    code, message = dialect.words(status, said)
    about: dict[str, Any] = {"status": status, "code": code}
    if status in NOT_DONE:
        return Unavailable(message, retry_after=retry_after, **about)
    # A redirect is never followed, and is also what some give as the answer to a write that was done.
    if is_outage(status) or status < requests.codes.bad_request:
        return OutcomeUnknown(message, retry_after=retry_after, **about)
    if status in MOVED_ON:
        return Conflict(message, crm_id=dialect.identity(said.get("crm_id")), **about)
    if status in GONE and is_own:
        return NotThere(message, merged_into=dialect.merged_into(said), **about)
    return Rejected(message, **about)


def refused_call(error: Rejected | Conflict) -> Rejected:
    """Sort a refusal that speaks of no record: the CRM has no such call, whoever says so, or will not do it."""
    kind = NotThere if error.status in NO_SUCH_CALL | GONE else Rejected
    return kind(error.message, status=error.status, code=error.code, request_id=error.request_id)


def not_known(error: Rejected) -> OutcomeUnknown:
    """Sort the refusal of a repeated call: this attempt did nothing, but an earlier one may have been done."""
    return OutcomeUnknown(error.message, status=error.status, code=error.code, request_id=error.request_id)


def lost(error: requests.RequestException, sent_id: str | None = None) -> CRMError:
    """Sort a call without an answer: it was never sent, or nobody knows. The text stays ours: theirs can hold data."""
    if isinstance(error, requests.exceptions.InvalidJSONError):
        return Rejected("The record cannot be written as JSON.")
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, NewConnectionError | ConnectTimeoutError):
        return Unavailable("The CRM cannot be reached.", request_id=sent_id)
    return OutcomeUnknown(f"The CRM did not give a whole answer ({type(error).__name__}).", request_id=sent_id)


def read_snapshot(answer: requests.Response, asked: str | None = None) -> Snapshot:
    """Read one record. Raises OutcomeUnknown."""
    try:
        return dialect.snapshot(dialect.parse(answer.content), asked=asked)
    except Malformed as error:
        raise senseless(answer, error) from error


def read_yes(answer: requests.Response, asked: str | None = None) -> None:
    """Check an answer that need not say anything. Raises OutcomeUnknown."""
    try:
        dialect.acknowledged(answer.content, asked=asked)
    except Malformed as error:
        raise senseless(answer, error) from error


def read_page(answer: requests.Response) -> Page:
    """Read one page of the change feed. Raises Unavailable."""
    try:
        return dialect.page(answer.content)
    except Malformed as error:
        raise unreadable(answer, error) from error


def read_listed(answer: requests.Response) -> Listed:
    """Read one page of a listing. Raises Unavailable."""
    try:
        return dialect.listed(answer.content)
    except Malformed as error:
        raise unreadable(answer, error) from error


def senseless(answer: requests.Response, error: Malformed) -> OutcomeUnknown:
    return OutcomeUnknown(_nonsense(error), status=answer.status_code, request_id=request_id(answer))


def unreadable(answer: requests.Response, error: Malformed) -> Unavailable:
    """Sort an answer without sense to a call that changes nothing."""
    return Unavailable(_nonsense(error), status=answer.status_code, request_id=request_id(answer))


def _nonsense(error: Malformed) -> str:
    return f"The CRM's answer makes no sense: {error}"
