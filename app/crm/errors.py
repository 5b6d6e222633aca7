"""What a call to the CRM can end in, sorted by what to do about it."""

from typing import Any, ClassVar

_ADVICE = {
    403: "Ask the CRM's people for the permission to do this.",
    409: "Fetch it again and repeat the change.",
    412: "Fetch it again and repeat the change.",
    413: "Send less at once.",
    429: "Wait a while, and lower rate_limit_per_minute.",
}
_CREDENTIALS = frozenset({400, 401, 403})
"""Our credentials, or a fresh token, were not accepted: they will not be a second later either."""


class CRMError(Exception):
    """A call that did not end well.

    `status` is the HTTP status, None when there was no answer; `code` is the CRM's own; `retry_after` is in seconds;
    `request_id` is the X-Request-Id of the answer, else the one that was sent; `message` is the CRM's.
    """

    _advice: ClassVar[str] = "Read what the message says."

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        code: str | None = None,
        retry_after: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.code = code
        self.retry_after = retry_after
        self.request_id = request_id

    @property
    def is_about_credentials(self) -> bool:
        """Whether the CRM did not let us in: a 400 or 403 that comes as Unavailable is its token endpoint's."""
        is_unavailable = isinstance(self, Unavailable) and not isinstance(self, OutcomeUnknown)
        return is_unavailable and self.status in _CREDENTIALS

    @property
    def advice(self) -> str:
        """What to do about it, in one sentence."""
        if self.is_about_credentials:
            return "Check the credentials."
        if self.retry_after is not None and not isinstance(self, OutcomeUnknown):
            return f"Wait {self.retry_after:.0f} seconds."
        return _ADVICE.get(self.status or 0, self._advice)


class Unavailable(CRMError):
    """Nothing was done; ask again later."""

    _advice = "Check the address and the network, and ask again later."


class OutcomeUnknown(Unavailable):
    """It may have been done: find out before doing it again."""

    _advice = "Find out whether it was done, before you do it again."


class NoToken(Unavailable):
    """Not even asked, because another thread has just been refused a token, or still waits for one."""


class NotAsked(Unavailable):
    """Not even asked: what the CRM said last still holds."""

    _advice = "Wait a little, and ask again."


class CircuitOpen(NotAsked):
    """Not even asked, because the last calls all failed."""


class Rejected(CRMError):
    """The CRM understood and refused; the same request will never succeed."""

    _advice = "Correct what the message names: the same call will be refused again."


class NotThere(Rejected):
    """The CRM has no such record, or no such call. `merged_into` is the crm_id of the record that it lives on in."""

    _advice = "Check the id, base_url and api_version: there is nothing at this address."

    def __init__(self, message: str, *, merged_into: str | None = None, **about: Any) -> None:
        super().__init__(message, **about)
        self.merged_into = merged_into

    @property
    def advice(self) -> str:
        """What to do about it, in one sentence."""
        return super().advice if self.merged_into is None else f"Use {self.merged_into}: it was merged into that."


class Conflict(CRMError):
    """The record has moved on in the CRM: fetch it and merge. `crm_id` is set where the CRM says which record it is."""

    _advice = "Fetch it again and repeat the change."

    def __init__(self, message: str, *, crm_id: str | None = None, **about: Any) -> None:
        super().__init__(message, **about)
        self.crm_id = crm_id
