"""Reading JSON from strangers: whatever they send is a value we can store, or a 4xx that says why not."""

from typing import Any

from flask import request
from gunicorn.http.errors import ParseException
from werkzeug.exceptions import RequestEntityTooLarge

from app.core import strict_json
from app.core.errors import Invalid

REWORD = "crm-sync.reword"
"""Where a dialect of the API leaves in the request's environment how to put a body into the API's own words."""


class Unsupported(Invalid):
    code = "unsupported_media_type"
    title = "The body must be JSON"


def read_raw() -> bytes:
    """Return the bytes of the body. Raises RequestEntityTooLarge, and Invalid when its framing is broken.

    Werkzeug refuses a Content-Length beyond the limit, but cuts a body that came in chunks off there, silently.
    """
    try:
        body = request.get_data(cache=True)
    except (OSError, ParseException) as error:
        raise Invalid("The body breaks off, or its chunks are none (RFC 9112).") from error
    limit = request.max_content_length
    if request.content_length is None and limit is not None and len(body) >= limit:
        raise RequestEntityTooLarge
    return body


def read_json() -> Any:
    """Return the JSON body of this request. Raises Invalid and Unsupported."""
    kind = request.mimetype
    if not (kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))):
        raise Unsupported("Send the body as JSON, with Content-Type: application/json.")
    body = parse(read_raw())
    reword = request.environ.get(REWORD)
    return body if reword is None else reword(body)


def parse(raw: bytes) -> Any:
    """Read the bytes of a body as strict JSON (`app.core.strict_json`), in UTF-8. Raises Invalid."""
    try:
        return strict_json.parse(raw.decode("utf-8"))
    except strict_json.Unfit as error:
        raise Invalid(f"The body {error}.") from error
    except ValueError as error:
        reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise Invalid(f"The body is not valid JSON: {reason}.") from error
