"""What can go wrong with a request, named by what the caller can do about it; HTTP puts the status on."""

from typing import ClassVar

Messages = dict[str, list[str]]


class ServiceError(Exception):
    """A refusal that the caller caused or can wait out.

    `code` is stable and for programs, `title` is the same for every occurrence, `detail` speaks of this one.
    """

    code: ClassVar[str] = "error"
    title: ClassVar[str] = "The request cannot be answered"

    def __init__(
        self,
        detail: str,
        *,
        errors: Messages | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = errors
        self.retry_after = retry_after


class Invalid(ServiceError):
    code = "invalid"
    title = "The request is not valid"


class NotFound(ServiceError):
    code = "not_found"
    title = "There is no such thing"


class Taken(ServiceError):
    code = "taken"
    title = "The value is taken by another record"


class Stale(ServiceError):
    code = "stale"
    title = "The record has changed since you read it"


class KeyReused(ServiceError):
    code = "idempotency_key_reused"
    title = "The Idempotency-Key was used for another request"


class Unauthorized(ServiceError):
    code = "unauthorized"
    title = "The caller did not prove who they are"


class Forbidden(ServiceError):
    code = "forbidden"
    title = "The caller may not do this"


class NotNow(ServiceError):
    """The database or the CRM cannot answer now; the same request may succeed later."""

    code = "not_now"
    title = "The service cannot do this at the moment"


class AlreadyDecided(ServiceError):
    code = "already_decided"
    title = "Somebody has decided this already"
