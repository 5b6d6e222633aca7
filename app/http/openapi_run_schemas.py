"""The shapes of what the API answers about runs: what they did, would do, and how the sync is."""

from typing import get_args

from marshmallow import Schema, fields

from app.http.openapi_schemas import Pagination, Shown, about, count, one_of
from app.sync.runs import Direction

ENDS = ("running", "succeeded", "failed", "needs_approval", "approved", "refused")
ACTIONS = ("create", "update", "delete")
REASONS = ("owed", "not_pulled", "conflict", "failed", "unlinked", "needs_approval", "unmentioned", "unknown")


class Counted(Shown):
    synced = count("Changes that were carried over: pulled and pushed.")
    pushed = count("Records that the CRM took.")
    pulled = count("Records that changed here.")
    failed = count("Records that could not be pushed.")
    conflicts = count("Conflicts that were found.")
    created = count("Records that were made, on either side.")
    updated = count("Records that were changed, on either side.")
    deleted = count("Records that were deleted, on either side.")
    skipped = count("Records that were left as they were.")
    seen = count("Records that the CRM listed.")
    errors = fields.Dict(keys=fields.String(), values=fields.Integer(), **about("Failures, by kind."))
    unmentioned = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        **about("Records that the CRM showed without a field that it once told us of, by resource and field."),
    )


class Left(Shown):
    resource = fields.String(metadata={"description": "The kind of record."})
    record_id = fields.UUID(**about("The record."))
    why = fields.String(**about("Why it was left as it is."))


class RunPart(Counted):
    status = one_of(ENDS, "How far this part is.")
    error = fields.String(**about("Why it failed, or what waits for a person.", allow_none=True))
    left = fields.List(fields.Nested(Left), **about("What a rollback left as it is."))


class Run(Counted):
    id = fields.UUID(**about("The run."))
    direction = one_of(get_args(Direction), "Which way it synced; or that it repaired, or took another run back.")
    resources = fields.List(fields.String(), **about("What it synced."))
    batch_size = count("Records pushed with one call, where the CRM takes batches.")
    policy = fields.String(**about("The policy for conflicts, in the form of CONFLICT_POLICY."))
    asked_by = fields.String(**about("`api`, `command` or `schedule`."))
    status = one_of(
        ENDS, "`failed` when it did not come to its end; `needs_approval` when deletions wait for a person."
    )
    error = fields.String(**about("Why it failed, or what waits for a person.", allow_none=True))
    started_at = fields.DateTime(**about("When it began."))
    finished_at = fields.DateTime(**about("When it ended; null while it runs.", allow_none=True))
    seconds = fields.Float(**about("How long it took, or has taken so far."))
    records_a_minute = fields.Float(**about("Records seen and pushed, a minute."))
    resumed = count("How often another process went on with it.")
    rolls_back = fields.UUID(**about("The run that it takes back.", allow_none=True))
    parts = fields.Dict(keys=fields.String(), values=fields.Nested(RunPart), **about("The same, for each resource."))


class Runs(Shown):
    data = fields.List(fields.Nested(Run), **about("Newest first."))
    pagination = fields.Nested(Pagination, required=True)


FromTo = Shown.from_dict(
    {
        "from": fields.Raw(**about("The value before.", allow_none=True)),
        "to": fields.Raw(**about("The value after.", allow_none=True)),
    },
    name="FromTo",
)


class Write(Shown):
    side = one_of(("here", "crm"), "Where it would be written.")
    resource = fields.String(**about("The kind of record."))
    record_id = fields.UUID(**about("The record here."))
    crm_id = fields.String(**about("The record in the CRM, if it has one.", allow_none=True))
    action = one_of(ACTIONS, "What would be done.")
    fields_ = fields.Dict(
        keys=fields.String(), values=fields.Nested(FromTo), data_key="fields", **about("What would change.")
    )


Side = Shown.from_dict({action: count(f"Records to {action}.") for action in ACTIONS}, name="Side")


class Sides(Shown):
    here = fields.Nested(Side, **about("Writes here."))
    crm = fields.Nested(Side, **about("Writes in the CRM."))


class TooMany(Shown):
    resource = fields.String(**about("The kind of record."))
    deletions = count("Records that the CRM has deleted.")
    linked = count("Records that it had.")


class Waits(Shown):
    conflicts = count("Conflicts that wait for a person, those that the run would find among them.")
    not_due = count("Records that are owed, but are tried again later.")
    parked = count("Deliveries that wait for their record.")
    needs_approval = fields.List(fields.Nested(TooMany), **about("Deletions that a person would have to approve."))


class Plan(Shown):
    at = fields.DateTime(**about("When it was made."))
    direction = one_of(get_args(Direction), "Which way.")
    resources = fields.List(fields.String(), **about("For what."))
    would_change = fields.Boolean(**about("Whether a run would write anything."))
    summary = fields.Nested(Sides, **about("All writes, counted."))
    writes = fields.List(fields.Nested(Write), **about("The first of them, in the order of the run."))
    truncated = fields.Boolean(**about("Whether there are more than are listed."))
    waits = fields.Nested(Waits, **about("What a run would not write, and why."))
    calls = count("Calls to the CRM that it took.")


class RollbackPlan(Shown):
    dry_run = fields.Boolean(**about("True."))
    run_id = fields.UUID(**about("The run to take back."))
    writes = fields.List(fields.Nested(Write), **about("What would be written."))
    left = fields.List(fields.Nested(Left), **about("What has moved since, and would be left."))


HereThere = Shown.from_dict(
    {
        "here": fields.Raw(**about("The value here.", allow_none=True)),
        "crm": fields.Raw(**about("The value in the CRM.", allow_none=True)),
    },
    name="HereThere",
)


class Difference(Shown):
    resource = fields.String(**about("The kind of record."))
    record_id = fields.UUID(**about("The record here, if there is one.", allow_none=True))
    crm_id = fields.String(**about("The record in the CRM, if there is one.", allow_none=True))
    reason = one_of(REASONS, "Why both sides differ; `unknown` is drift.")
    fields_ = fields.Dict(
        keys=fields.String(), values=fields.Nested(HereThere), data_key="fields", **about("The fields that differ.")
    )
    note = fields.String(**about("More, in words."))


class Compared(Shown):
    in_step = count("Records that are the same on both sides.")
    differences = count("Records that are not.")


class Cost(Shown):
    calls = count("Calls to the CRM.")
    seconds = fields.Float(**about("How long it took."))


class Verification(Shown):
    at = fields.DateTime(**about("As of when."))
    sentence = fields.String(**about("The outcome in words."))
    in_step = count("Records that are the same on both sides.")
    resources = fields.Dict(keys=fields.String(), values=fields.Nested(Compared), **about("By resource."))
    differences = fields.List(fields.Nested(Difference), **about("Each difference, the unexplained ones first."))
    unexplained = count("Differences that nothing explains.")
    repaired = fields.Nested(Run, **about("The run that healed what it could, when that was asked.", allow_none=True))
    cost = fields.Nested(Cost, **about("What the comparison took."))


SHOWN: tuple[type[Schema], ...] = (
    Left, RunPart, Run, Runs, FromTo, Write, Side, Sides, TooMany, Waits, Plan, RollbackPlan, HereThere, Difference,
    Compared, Cost, Verification,
)  # fmt: skip
