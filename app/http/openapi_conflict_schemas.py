"""The shapes of what the API answers about conflicts, and about a record that has been through some."""

from marshmallow import Schema, fields, validate

from app.core.field import POLICIES
from app.http.conflicts import KINDS
from app.http.openapi_run_schemas import ACTIONS
from app.http.openapi_schemas import Pagination, Shown, about, count, one_of
from app.http.paging import STATUSES


class Conflict(Shown):
    id = fields.UUID(**about("The conflict."))
    resource = fields.String(**about("The kind of record."))
    record_id = fields.UUID(**about("The record here.", allow_none=True))
    crm_id = fields.String(**about("The record in the CRM.", allow_none=True))
    kind = one_of(KINDS, "What is in conflict.")
    field = fields.String(**about("The field.", allow_none=True))
    last_told = fields.Raw(**about("The value on which both last agreed.", allow_none=True))
    local = fields.Raw(**about("The value here.", allow_none=True))
    crm = fields.Raw(**about("The value in the CRM.", allow_none=True))
    policy = fields.String(**about("The policy that decided.", allow_none=True))
    status = one_of(("open", "resolved"), "`open` while a person has to decide.")
    resolution = fields.String(**about("Who won: `crm`, `local`, or a `value` instead of both.", allow_none=True))
    note = fields.String(**about("More, in words.", allow_none=True))
    run_id = fields.UUID(**about("The run that found it, if one did.", allow_none=True))
    created_at = fields.DateTime(**about("When it was found."))
    resolved_at = fields.DateTime(**about("When it was resolved.", allow_none=True))
    resolved_by = fields.String(**about("Who resolved it: policy, merge, rule, api or command.", allow_none=True))


class Conflicts(Shown):
    data = fields.List(fields.Nested(Conflict), **about("Newest first."))
    pagination = fields.Nested(Pagination, required=True)


class Undecided(Shown):
    id = fields.UUID(**about("The conflict."))
    code = fields.String(**about("Why it is still open, for programs."))
    detail = fields.String(**about("Why, in words."))


class Resolved(Shown):
    resolved = count("Conflicts that were resolved.")
    left = fields.List(fields.Nested(Undecided), **about("Those that cannot be resolved so, and stay open."))


class Approval(Resolved):
    status = one_of(("approved", "refused"), "What the run's deletions are from now on.")


class Rule(Shown):
    field = fields.String(**about("The field, as `resource.field`."))
    policy = one_of(POLICIES, "Who wins a conflict on it.")
    set_by = fields.String(**about("Who made it: `api` or `command`."))
    set_at = fields.DateTime(**about("When."))


class Rules(Shown):
    data = fields.List(fields.Nested(Rule), **about("In the order of their fields."))


class FieldExplained(Shown):
    value = fields.Raw(**about("The value here.", allow_none=True))
    set_by = fields.String(**about("Who set it last.", allow_none=True))
    set_at = fields.DateTime(**about("When.", allow_none=True))
    run_id = fields.UUID(**about("In which run, if in one.", allow_none=True))
    crm = fields.Raw(**about("The value that the CRM last told us.", allow_none=True))
    synced = fields.Boolean(**about("Whether the CRM hears of it at all."))
    owed = fields.Boolean(**about("Whether the CRM has yet to hear of it."))
    held = fields.Boolean(**about("Whether it waits for a person."))


class OwedExplained(Shown):
    fields_ = fields.List(fields.String(), data_key="fields", **about("The fields to push."))
    since = fields.DateTime(**about("Since when."))
    tries = count("Pushes that ended without an outcome.")
    next_try = fields.DateTime(**about("When it is pushed next."))
    reason = fields.String(**about("How the last push ended.", allow_none=True))
    under_way = fields.Boolean(**about("Whether it is being pushed at this moment."))


class ToldExplained(Shown):
    at = fields.DateTime(**about("When."))
    action = one_of(ACTIONS, "What we did in the CRM.")
    crm_id = fields.String(**about("The record there."))
    version = fields.Integer(**about("The version of the record here."))
    run_id = fields.UUID(**about("In which run, if in one.", allow_none=True))
    changes = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.Raw(allow_none=True), validate=validate.Length(equal=2)),
        **about("What the CRM held before and after, by field."),
    )


class Explanation(Shown):
    record_id = fields.UUID(**about("The record."))
    sync_status = one_of(STATUSES, "Where it stands with the CRM.")
    summary = fields.String(**about("Why it is as it is, in one sentence."))
    text = fields.List(fields.String(), **about("The same in more sentences."))
    fields_ = fields.Dict(
        keys=fields.String(), values=fields.Nested(FieldExplained), data_key="fields", **about("Field by field.")
    )
    owed = fields.Nested(OwedExplained, **about("What the CRM has yet to hear, if anything.", allow_none=True))
    decisions = fields.List(fields.Nested(Conflict), **about("Its last conflicts."))
    told = fields.List(fields.Nested(ToldExplained), **about("What we last told the CRM."))
    advice = fields.String(**about("What to do, if anything.", allow_none=True))


SHOWN: tuple[type[Schema], ...] = (
    Conflict, Conflicts, Undecided, Resolved, Approval, Rule, Rules, FieldExplained, OwedExplained, ToldExplained,
    Explanation,
)  # fmt: skip
