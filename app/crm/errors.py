"""What a call to the CRM can end in, sorted by what to do about it."""

from typing import Any


class CRMError(Exception):
    """A call that did not end well.

    `status` is the HTTP status, None when there was no answer; `code` is the CRM's own; `retry_after` is in seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.retry_after = retry_after


class Unavailable(CRMError):
    """Nothing was done; ask again later."""


class OutcomeUnknown(Unavailable):
    """It may have been done: find out before doing it again."""


class NoToken(Unavailable):
    """Not even asked, because another thread has just been refused a token, or still waits for one."""


class NotAsked(Unavailable):
    """Not even asked: what the CRM said last still holds."""


class CircuitOpen(NotAsked):
    """Not even asked, because the last calls all failed."""


class Rejected(CRMError):
    """The CRM understood and refused; the same request will never succeed."""


class NotThere(Rejected):
    """The CRM has no such record, or no such call. `merged_into` is the crm_id of the record that it lives on in."""

    def __init__(self, message: str, *, merged_into: str | None = None, **about: Any) -> None:
        super().__init__(message, **about)
        self.merged_into = merged_into


class Conflict(CRMError):
    """The record has moved on in the CRM: fetch it and merge."""
