"""The OpenAPI document of the front end's dialect, derived from the API's own: other names, answers in the envelope."""

from collections.abc import Mapping
from typing import Any

from app.core.resource import Registry
from app.http import openapi
from app.http.errors import PROBLEM
from app.http.front_end import NAMING, PAGINATION, PREFIX, QUERY_SYNONYMS, Envelope, Spelling, signed, to_theirs
from app.http.openapi_parts import JSON, Doc, order, schema, text
from app.http.openapi_service import ROOT_ONLY

APART = (*ROOT_ONLY, "/webhook")
DESCRIPTION = """\
The API in the dialect of the front end. Names are in camelCase, `last_updated` is `updatedAt`, and every answer is an
object with `success`, `data`, for lists `pagination`, or for errors `error`, `code`, `requestId` and `errors`.
A deletion is answered with 200, `message` and `id`. Names in snake_case are unknown here. A `/` at the end of an
address is passed over. What is not described here, values, headers and statuses, is as in the API.
"""
THEIR_SORT = signed(to_theirs)
THEIRS = {ours: theirs for theirs, ours in QUERY_SYNONYMS.items()}


def build(registry: Registry) -> Doc:
    """Return the document."""
    document = openapi.build(registry)
    document["info"]["description"] = DESCRIPTION
    document["servers"] = [{"url": PREFIX, "description": "The front end's dialect."}]
    document["paths"] = {path: item for path, item in document["paths"].items() if path not in APART}
    reworded: Doc = _Rewording(Envelope(registry), document["components"]["schemas"]).part(document)
    reworded["components"]["schemas"] |= _shapes()
    return reworded


class _Rewording:
    """Goes through a document and words each part of it anew."""

    def __init__(self, envelope: Envelope, schemas: Doc) -> None:
        self.envelope = envelope
        self.pagination = schemas["Pagination"]
        self.lists = {key for key, one in schemas.items() if "data" in one.get("properties", {})}

    def part(self, part: Any) -> Any:
        if isinstance(part, list):
            return [self.part(one) for one in part]
        if not isinstance(part, dict):
            return part
        if "responses" in part and "operationId" in part:
            part = {**part, "responses": self._responses(part["responses"])}
        if part.get("in") == "query":
            return _parameter(part)
        if PROBLEM in part:
            return {JSON: self._refusal(part[PROBLEM])}
        names = PAGINATION if part is self.pagination else {}
        return {name: self._member(name, inner, names) for name, inner in part.items() if name != "links"}

    def _member(self, name: str, inner: Any, names: Mapping[str, str]) -> Any:
        if name == "properties":
            return {names.get(one) or to_theirs(one): self.part(shape) for one, shape in inner.items()}
        if name == "required" and isinstance(inner, list):
            return [names.get(one) or to_theirs(one) for one in inner]
        if name == "value":
            return self.envelope.shown(inner)
        is_said = name == "example" or (name == "examples" and isinstance(inner, list))
        return inner if is_said else self.part(inner)

    def _responses(self, responses: Doc) -> Doc:
        found = {status: self._response(one) for status, one in responses.items() if status != "204"}
        if "204" not in responses:
            return found
        deleted = {"schema": schema("Deleted")}
        if "200" in found:
            both = found["200"]["content"][JSON]
            both["schema"] = {"anyOf": [both["schema"], deleted["schema"]]}
            return found
        return {"200": {**responses["204"], "content": {JSON: deleted}}, **found}

    def _response(self, response: Doc) -> Doc:
        media = response.get("content", {}).get(JSON)
        if media is None:
            return response
        shape = _in_envelope(media["schema"], is_list=media["schema"].get("$ref", "").rpartition("/")[2] in self.lists)
        shown = {"example": self.envelope.success(media["example"])} if "example" in media else {}
        return {**response, "content": {JSON: {"schema": shape, **shown}}}

    def _refusal(self, media: Doc) -> Doc:
        shown = {"example": self.envelope.refusal(media["example"], Spelling())} if "example" in media else {}
        return {"schema": schema("Refusal"), **shown}


def _in_envelope(shape: Doc, *, is_list: bool) -> Doc:
    if is_list:
        return {"allOf": [shape, schema("Success")]}
    return {"allOf": [schema("Success"), {"type": "object", "required": ["data"], "properties": {"data": shape}}]}


def _parameter(part: Doc) -> Doc:
    name, shape = part["name"], dict(part["schema"])
    if name in NAMING and "enum" in shape:
        shape["enum"] = [THEIR_SORT(one) for one in shape["enum"]]
        shape["default"] = THEIR_SORT(shape["default"])
    return {**part, "name": THEIRS.get(name) or to_theirs(name), "schema": shape}


def _shapes() -> Doc:
    messages = {"type": "object", "additionalProperties": {"type": "array", "items": text()}}
    refusal = order(
        "success", "error", "code", "requestId",
        success={"const": False},
        error=text(description="What happened this time, in one readable sentence."),
        code=text(description="What happened, for programs; stable."),
        requestId=text(description="The request's id in the log, also in `X-Request-Id`."),
        errors={**messages, "description": "What is wrong, by field."},
    )  # fmt: skip
    deleted = order("success", "message", "id", success={"const": True}, message=text(), id=text())
    success = {
        "type": "object",
        "required": ["success"],
        "properties": {
            "success": {"type": "boolean", "description": "False when only a part was done."},
            "error": text(),
        },
    }
    return {"Refusal": refusal, "Deleted": deleted, "Success": success}
