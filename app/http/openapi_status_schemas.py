"""The shape of the answer to "is my sync healthy?"."""

from marshmallow import Schema, fields

from app.http.openapi_run_schemas import ENDS
from app.http.openapi_schemas import Shown, about, count, one_of
from app.services.status import RECENT, SUMMED


class Schedule(Shown):
    paused = fields.Boolean(**about("Whether the scheduled pulls wait until somebody resumes them."))
    since = fields.DateTime(**about("Since when they are paused.", allow_none=True))
    by = fields.String(**about("Who paused them: `api` or `command`.", allow_none=True))


class ScheduleState(Schedule):
    interval_minutes = fields.Float(**about("Minutes between two pulls."))


class RateLimit(Shown):
    limit = fields.Integer(
        **about("Calls that the CRM allows in a window; null when it does not say.", allow_none=True)
    )
    left = fields.Integer(**about("Calls that are surely left in this one.", allow_none=True))
    resets_in = fields.Float(**about("Seconds to the next one.", allow_none=True))


class CrmState(Shown):
    url = fields.String(**about("Where the CRM is."))
    reachable = fields.Boolean(**about("Whether it answers; null when it was not asked.", allow_none=True))
    circuit = one_of(("closed", "half_open", "open"), "`open` while the CRM does not answer and is left alone.")
    paused_for = fields.Float(**about("Seconds until the CRM may be called again."))
    rate_limit = fields.Nested(RateLimit, **about("The room that the CRM's limit leaves."))
    batches = fields.Boolean(**about("Whether it takes several records with one call, as far as we know."))


class Behind(Shown):
    push = fields.Float(**about("Seconds since the oldest change here that the CRM has not heard of."))
    pull = fields.Float(**about("Seconds since the CRM was last asked for all changes, or of the oldest that waits."))


class LastRun(Shown):
    run_id = fields.UUID(**about("The run."))
    status = one_of(ENDS, "How it ended.")
    finished_at = fields.DateTime(**about("When."))


Totals = Shown.from_dict(
    {"runs": count(f"Runs, at most {RECENT}."), **{name: count(f"Records {name}.") for name in SUMMED}}, name="Totals"
)


class ResourceState(Shown):
    healthy = fields.Boolean(**about("Whether the last run came to its end and no record is `failed`."))
    records = fields.Dict(keys=fields.String(), values=fields.Integer(), **about("Live records, by `sync_status`."))
    owed = count("Records with something that the CRM has not heard.")
    oldest_owed_seconds = fields.Float(**about("Age of the oldest of them."))
    parked = count("Deliveries that wait for their record.")
    oldest_parked_seconds = fields.Float(**about("Age of the oldest of them."))
    behind_seconds = fields.Nested(Behind, **about("How far behind each direction is."))
    conflicts_open = count("Conflicts that wait for a person.")
    last_run = fields.Nested(LastRun, **about("The last run that ended.", allow_none=True))
    last_success = fields.DateTime(**about("When a run last succeeded.", allow_none=True))
    success_rate = fields.Float(**about("Share of the last runs that came to their end.", allow_none=True))
    problems = fields.List(fields.String(), **about("What a person should know of the last pull, in words."))
    totals = fields.Nested(Totals, **about("What the last runs did."))
    last_pull = fields.DateTime(**about("When all changes were last read from the CRM.", allow_none=True))
    next_pull = fields.DateTime(**about("When they will be read again; null while paused.", allow_none=True))


class SyncStatus(Shown):
    at = fields.DateTime(**about("Now."))
    healthy = fields.Boolean(**about("Whether every resource is, and the circuit to the CRM is closed."))
    crm = fields.Nested(CrmState, required=True)
    schedule = fields.Nested(ScheduleState, **about("The scheduled pulls."))
    resources = fields.Dict(keys=fields.String(), values=fields.Nested(ResourceState), **about("By resource."))


SHOWN: tuple[type[Schema], ...] = (
    Schedule, ScheduleState, RateLimit, CrmState, Behind, LastRun, Totals, ResourceState, SyncStatus,
)  # fmt: skip
