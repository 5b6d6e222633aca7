"""The problems that operations refer to, for the OpenAPI document."""

from typing import Any

from app.core import errors
from app.core.errors import ServiceError
from app.http import paging
from app.http.bodies import Unsupported
from app.http.errors import PROBLEM, STATUSES
from app.http.openapi_parts import Doc, answer, schema


def problem(status: int, code: str, title: str, detail: str, **more: Any) -> Doc:
    """Return a problem as `app.http.errors` words it."""
    shown = {"type": "about:blank", "title": title, "status": status, "detail": detail, "code": code}
    return {**shown, "request_id": "5f0c7a52-7d0e-4a53-9d3c-1c1c6d0f7e11", "error": detail, **more}


def refusal(error: type[ServiceError], description: str, detail: str, *headers: str, **more: Any) -> Doc:
    example = problem(int(STATUSES[error]), error.code, error.title, detail, **more)
    return answer(description, schema("Problem"), example, *headers, media=PROBLEM)


def responses() -> dict[str, Doc]:
    """Return the problems by the name under which operations refer to them."""
    wrong = f"per_page: Must be a number from 1 to {paging.MOST}."
    too_large = problem(
        413, "request_entity_too_large", "Request Entity Too Large", "The body is larger than it may be."
    )
    method = problem(405, "method_not_allowed", "Method Not Allowed", "This address does not take this method.")
    return {
        "Invalid": refusal(
            errors.Invalid, "Something in the request is not valid; `errors` names every wrong field.", wrong,
            errors={"per_page": [f"Must be a number from 1 to {paging.MOST}."]},
        ),
        "Unauthorized": refusal(
            errors.Unauthorized, "In production: no bearer token, or an unknown one.",
            "Send Authorization: Bearer with one of API_TOKENS.", "WWW-Authenticate",
        ),
        "Forbidden": refusal(
            errors.Forbidden, "In development: the caller is not on this machine.",
            "In development the service answers this machine only; set APP_ENV=production.",
        ),
        "NotFound": refusal(errors.NotFound, "There is no such thing, or it was deleted.", "There is no such record."),
        **_clashes(),
        "TooLarge": answer("The body is larger than 1 MiB.", schema("Problem"), too_large, media=PROBLEM),
        "Unsupported": refusal(
            Unsupported, "The body is not declared as JSON.",
            "Send the body as JSON, with Content-Type: application/json.",
        ),
        "NotNow": refusal(
            errors.NotNow, "Nothing was stored; the same request may succeed later.",
            "The database cannot take this now.", "Retry-After",
        ),
        "Problem": answer("Any other error, in the same form.", schema("Problem"), method, media=PROBLEM),
    }  # fmt: skip


def _clashes() -> dict[str, Doc]:
    """Return what is refused because of how things stand by now."""
    return {
        "Taken": refusal(errors.Taken, "Another record has a value that may exist once.", "Another record has it."),
        "Decided": refusal(
            errors.AlreadyDecided, "It was decided already, or a value that may exist once is taken.",
            "The conflict was resolved already: crm.",
        ),
        "Stale": refusal(errors.Stale, "The record is not at the version named.", "The record is at version 3, not 2."),
        "KeyReused": refusal(
            errors.KeyReused, "The Idempotency-Key was sent before with another request.",
            "This Idempotency-Key was sent before with another request.",
        ),
    }  # fmt: skip
