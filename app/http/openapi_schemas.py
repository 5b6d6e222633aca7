"""The shapes of what the API answers, beside the records themselves, whose shape comes from their declaration."""

from typing import Any, get_args

from marshmallow import EXCLUDE, Schema, fields, validate

from app.core.record import Origin
from app.http.operations import KINDS
from app.sync.runs import DIRECTIONS

OUTCOMES = ("applied", "unchanged", "stale", "duplicate", "parked")


def _about(description: str, **more: Any) -> dict[str, Any]:
    return {"required": True, "metadata": {"description": description}, **more}


def _one_of(choices: tuple[str, ...], description: str, **more: Any) -> fields.String:
    return fields.String(validate=validate.OneOf(choices), **_about(description, **more))


def _count(description: str) -> fields.Integer:
    return fields.Integer(strict=True, validate=validate.Range(min=0), **_about(description))


def _messages(*, required: bool = True) -> fields.Dict:
    about = _about("What is wrong, by field.") | {"required": required}
    return fields.Dict(keys=fields.String(), values=fields.List(fields.String()), **about)


class Shown(Schema):
    """Answers may get more members; who reads them passes over what they do not know."""

    class Meta:
        unknown = EXCLUDE


class Problem(Shown):
    type = fields.String(**_about("A URI reference; `about:blank`, since `code` says what happened."))
    title = fields.String(**_about("What happened, the same sentence every time."))
    status = fields.Integer(**_about("The HTTP status."))
    detail = fields.String(**_about("What happened this time."))
    code = fields.String(**_about("What happened, for programs; stable."))
    request_id = fields.String(**_about("The request's id in the log, also in `X-Request-Id`."))
    error = fields.String(**_about("The detail again, for clients that read one sentence only."))
    errors = _messages(required=False)


class Pagination(Shown):
    page = fields.Integer(**_about("This page, from 1. With `cursor`, it means nothing."))
    per_page = fields.Integer(**_about("Most items on a page."))
    total = _count("Items in all.")
    pages = _count("Pages in all.")
    next_cursor = fields.String(
        **_about("What to send as `cursor` for the next page; null on the last.", allow_none=True)
    )


Change = Shown.from_dict(
    {
        "id": fields.Integer(**_about("The entry, shared by fields that changed together; for `before`.")),
        "at": fields.DateTime(**_about("When.")),
        "by": _one_of(get_args(Origin), "Who changed it."),
        "field": fields.String(**_about("Which field; `deleted` when the record was.")),
        "from": fields.Raw(**_about("The value before.", allow_none=True)),
        "to": fields.Raw(**_about("The value after.", allow_none=True)),
        "version": fields.Integer(**_about("The record's version after the change.")),
        "run_id": fields.UUID(**_about("The run that brought it, if one did.", allow_none=True)),
    },
    name="Change",
)


class Changes(Shown):
    data = fields.List(fields.Nested(Change), **_about("Newest first, one item for each field."))


class Run(Shown):
    id = fields.UUID(**_about("The run."))
    direction = _one_of(DIRECTIONS, "Which way it synced.")
    resources = fields.List(fields.String(), **_about("What it synced."))
    asked_by = fields.String(**_about("`api`, `command` or `schedule`."))
    status = _one_of(("running", "succeeded", "failed"), "`failed` when it did not come to its end.")
    pushed = _count("Records that the CRM took.")
    pulled = _count("Records that changed here.")
    failed = _count("Records that could not be pushed.")
    conflicts = _count("Conflicts that it found.")
    created = _count("Records that it made here.")
    updated = _count("Records that it changed here.")
    deleted = _count("Records that it deleted here.")
    skipped = _count("Records that it could not take in.")
    seen = _count("Records that the CRM listed.")
    errors = fields.Dict(keys=fields.String(), values=fields.Integer(), **_about("Failures, by kind."))
    synced = _count("Changes that it carried over: pulled and pushed.")
    batch_size = _count("Records pushed with one call, where the CRM takes batches.")
    policy = fields.String(**_about("The policy for conflicts, in the form of CONFLICT_POLICY."))
    seconds = fields.Float(**_about("How long it took, or has taken so far."))
    records_a_minute = fields.Float(**_about("Records seen and pushed, a minute."))
    resumed = _count("How often another process went on with it.")
    rolls_back = fields.UUID(**_about("The run that it takes back.", allow_none=True))
    parts = fields.Dict(keys=fields.String(), values=fields.Dict(), **_about("The same, for each resource."))
    error = fields.String(**_about("Why it failed.", allow_none=True))
    started_at = fields.DateTime(**_about("When it began."))
    finished_at = fields.DateTime(**_about("When it ended; null while it runs.", allow_none=True))


class Runs(Shown):
    data = fields.List(fields.Nested(Run), **_about("Newest first."))
    pagination = fields.Nested(Pagination, required=True)


class Conflict(Shown):
    id = fields.UUID(**_about("The conflict."))
    resource = fields.String(**_about("The kind of record."))
    record_id = fields.UUID(**_about("The record here.", allow_none=True))
    crm_id = fields.String(**_about("The record in the CRM.", allow_none=True))
    kind = _one_of(KINDS, "What is in conflict.")
    field = fields.String(**_about("The field.", allow_none=True))
    last_told = fields.Raw(**_about("The value on which both last agreed.", allow_none=True))
    local = fields.Raw(**_about("The value here.", allow_none=True))
    crm = fields.Raw(**_about("The value in the CRM.", allow_none=True))
    policy = fields.String(**_about("The policy that decided.", allow_none=True))
    status = _one_of(("open", "resolved"), "`open` while a person has to decide.")
    resolution = fields.String(**_about("Who won: `crm` or `local`.", allow_none=True))
    note = fields.String(**_about("More, in words.", allow_none=True))
    run_id = fields.UUID(**_about("The run that found it, if one did.", allow_none=True))
    created_at = fields.DateTime(**_about("When it was found."))
    resolved_at = fields.DateTime(**_about("When it was resolved.", allow_none=True))
    resolved_by = fields.String(**_about("Who resolved it: policy, merge, rule, api or command.", allow_none=True))


class Conflicts(Shown):
    data = fields.List(fields.Nested(Conflict), **_about("Newest first."))
    pagination = fields.Nested(Pagination, required=True)


class CrmState(Shown):
    url = fields.String(**_about("Where the CRM is."))
    circuit = _one_of(("closed", "half_open", "open"), "`open` while the CRM does not answer and is left alone.")
    paused_for = fields.Float(**_about("Seconds until the CRM may be called again."))


class ResourceState(Shown):
    records = fields.Dict(keys=fields.String(), values=fields.Integer(), **_about("Live records, by `sync_status`."))
    owed = _count("Records with something that the CRM has not heard.")
    oldest_owed_seconds = fields.Float(**_about("Age of the oldest of them."))
    parked = _count("Deliveries that wait for their record.")
    oldest_parked_seconds = fields.Float(**_about("Age of the oldest of them."))
    conflicts_open = _count("Conflicts that wait for a person.")
    last_pull = fields.DateTime(**_about("When all changes were last read from the CRM.", allow_none=True))
    next_pull = fields.DateTime(**_about("When they will be read again.", allow_none=True))


class SyncStatus(Shown):
    at = fields.DateTime(**_about("Now."))
    crm = fields.Nested(CrmState, required=True)
    resources = fields.Dict(keys=fields.String(), values=fields.Nested(ResourceState), **_about("By resource."))


Outcome = Shown.from_dict(
    {
        "outcome": _one_of(OUTCOMES, "What became of the delivery."),
        "fields": fields.List(fields.String(), **_about("The fields that changed here.")),
        "success": fields.Boolean(**_about("True.")),
    },
    name="Outcome",
)


BatchItem = Shown.from_dict(
    {
        "outcome": _one_of((*OUTCOMES, "invalid"), "What became of this delivery."),
        "fields": fields.List(fields.String(), metadata={"description": "The fields that changed here."}),
        "success": fields.Boolean(**_about("False when it is invalid.")),
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
    success = fields.Boolean(**_about("True: the batch was taken in."))
    results = fields.List(fields.Nested(BatchItem), **_about("An outcome for each, in the order of the batch."))


class Liveness(Shown):
    status = fields.String(**_about("`ok`."))


class Readiness(Shown):
    status = _one_of(("ready", "not ready"), "Whether requests can be served.")
    checks = fields.Dict(keys=fields.String(), values=fields.String(), **_about("`ok`, or what is wrong, by check."))


SHOWN: tuple[type[Schema], ...] = (
    Problem, Pagination, Change, Changes, Run, Runs, Conflict, Conflicts, CrmState, ResourceState, SyncStatus, Outcome,
    BatchItem, BatchOutcome, Liveness, Readiness,
)  # fmt: skip
