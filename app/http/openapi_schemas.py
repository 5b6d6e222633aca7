"""The shapes of what the API answers, beside the records themselves, whose shape comes from their declaration."""

from typing import Any, get_args

from marshmallow import EXCLUDE, Schema, fields, validate

from app.core.record import Origin

OUTCOMES = ("applied", "unchanged", "stale", "duplicate", "parked")


def about(description: str, **more: Any) -> dict[str, Any]:
    return {"required": True, "metadata": {"description": description}, **more}


def one_of(choices: tuple[str, ...], description: str, **more: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(choices), **about(description, **more))


def count(description: str) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=0), **about(description))


def _messages(*, required: bool = True) -> fields.Dict:
    found = about("What is wrong, by field.") | {"required": required}
    return fields.Dict(keys=fields.String(), values=fields.List(fields.String()), **found)


class Shown(Schema):
    """Answers may get more members; who reads them passes over what they do not know."""

    class Meta:
        unknown = EXCLUDE


class Problem(Shown):
    type = fields.String(**about("A URI reference; `about:blank`, since `code` says what happened."))
    title = fields.String(**about("What happened, the same sentence every time."))
    status = fields.Integer(**about("The HTTP status."))
    detail = fields.String(**about("What happened this time."))
    code = fields.String(**about("What happened, for programs; stable."))
    request_id = fields.String(**about("The request's id in the log, also in `X-Request-Id`."))
    error = fields.String(**about("The detail again, for clients that read one sentence only."))
    errors = _messages(required=False)


class Pagination(Shown):
    page = fields.Integer(**about("This page, from 1. With `cursor`, it means nothing."))
    per_page = fields.Integer(**about("Most items on a page."))
    total = count("Items in all.")
    pages = count("Pages in all.")
    next_cursor = fields.String(
        **about("What to send as `cursor` for the next page; null on the last.", allow_none=True)
    )


Change = Shown.from_dict(
    {
        "id": fields.Integer(**about("The entry, shared by fields that changed together; for `before`.")),
        "at": fields.DateTime(**about("When.")),
        "by": one_of(get_args(Origin), "Who changed it."),
        "field": fields.String(**about("Which field; `deleted` when the record was.")),
        "from": fields.Raw(**about("The value before.", allow_none=True)),
        "to": fields.Raw(**about("The value after.", allow_none=True)),
        "version": fields.Integer(**about("The record's version after the change.")),
        "run_id": fields.UUID(**about("The run that brought it, if one did.", allow_none=True)),
    },
    name="Change",
)


class Changes(Shown):
    data = fields.List(fields.Nested(Change), **about("Newest first, one item for each field."))


Outcome = Shown.from_dict(
    {
        "outcome": one_of(OUTCOMES, "What became of the delivery."),
        "fields": fields.List(fields.String(), **about("The fields that changed here.")),
        "success": fields.Boolean(**about("True.")),
    },
    name="Outcome",
)


BatchItem = Shown.from_dict(
    {
        "outcome": one_of((*OUTCOMES, "invalid"), "What became of this delivery."),
        "fields": fields.List(fields.String(), metadata={"description": "The fields that changed here."}),
        "success": fields.Boolean(**about("False when it is invalid.")),
        "error": fields.String(metadata={"description": "What is wrong with it."}),
        "errors": fields.Dict(
            keys=fields.String(),
            values=fields.List(fields.String()),
            allow_none=True,
            metadata={"description": "What is wrong with it, by field."},
        ),
    },
    name="BatchItem",
)


class BatchOutcome(Shown):
    success = fields.Boolean(**about("True: the batch was taken in."))
    results = fields.List(fields.Nested(BatchItem), **about("An outcome for each, in the order of the batch."))


class Liveness(Shown):
    status = fields.String(**about("`ok`."))


class Readiness(Shown):
    status = one_of(("ready", "not ready"), "Whether requests can be served.")
    checks = fields.Dict(keys=fields.String(), values=fields.String(), **about("`ok`, or what is wrong, by check."))


SHOWN: tuple[type[Schema], ...] = (
    Problem, Pagination, Change, Changes, Outcome, BatchItem, BatchOutcome, Liveness, Readiness,
)  # fmt: skip
