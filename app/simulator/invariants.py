"""What must hold when a history has come to rest. Each invariant has a name, a sentence and a function."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.simulator import history_kept, lasting, parents
from app.simulator.view import View
from app.store import journal

if TYPE_CHECKING:
    from app.simulator.stage import Stage

Check = Callable[[View], Iterator[str]]
CALLS_A_CHANGE, CALLS_A_FAULT, CALLS_A_LETTER = 3, 3, 2
CALLS_TO_LEARN = 5
"""Calls in which a process finds out that a CRM does not look up, or takes no batches."""


@dataclass(frozen=True)
class Invariant:
    """`check` yields what contradicts it; None for what is watched on the way and noted in the ledger."""

    name: str
    sentence: str
    check: Check | None = None
    once: bool = False
    """Whether it is about everything, and not about each resource."""


class Violation(Exception):
    """Something that must hold does not. `invariant` is the name of the first thing, `broken` are all of them."""

    def __init__(self, found: list[tuple[str, str]]) -> None:
        self.invariant, text = found[0]
        self.broken = tuple(dict.fromkeys(name for name, _ in found))
        super().__init__(f"{self.invariant}: {text}")


def converged(view: View) -> Iterator[str]:
    crm = view.crm
    for record in view.live:
        if view.kept_apart(record) or parents.is_orphan(view, record):
            continue
        row, copy = crm.rows.get(record.crm_id or ""), view.copies.get(record.id)
        if row is None or row.deleted or copy is None:
            yield f"{record.id} ({record.status}) has no live counterpart: {record.crm_id}, {record.error}"
            continue
        for name in view.resource.pushed_fields:
            field = view.resource.fields[name]
            here, there = record.fields[name], row.fields.get(field.crm or name)
            is_dropped = field.crm == crm.habits.drops and copy.fields.get(name) == here  # it never says what it holds
            is_same = parents.agree(view, record, name, there) if field.reference else here == field.from_crm(there)
            is_form = name in copy.same_as and copy.same_as[name] == here
            if not (is_same or is_form or is_dropped):
                yield f"{record.id}.{name} is {here!r} here and {there!r} in the CRM"
        if record.status != "synced":
            yield f"{record.id} is {record.status}: {record.error}"


def one_to_one(view: View) -> Iterator[str]:
    live = view.crm.live()
    links = {record.crm_id for record in view.live} | view.disputed | view.apart
    hears_of_all = view.stage.setting.habits.has_feed or view.stage.setting.news == "webhooks"
    for row in live:
        if hears_of_all and row.crm_id not in links:
            yield f"{row.crm_id} lives in the CRM and not here"
    for external_id, count in Counter(row.external_id for row in live if row.external_id).items():
        if count > 1:
            yield f"{external_id} has {count} records in the CRM"
    for one in view.conflicts:
        if one["crm_id"] not in view.crm.rows:
            yield f"a conflict is about {one['crm_id']}, which the CRM never had"
    for crm_id, count in Counter(record.crm_id for record in view.live if record.crm_id).items():
        if count > 1:
            yield f"{crm_id} has {count} records here"


def by_the_policy(view: View) -> Iterator[str]:
    """What the policy decided, it decided as its name says; and what the CRM won is what the record then held.

    A record that was ever deleted kept its own values meanwhile, and a value that another record has is nobody else's.
    Whether `latest` was right is not looked into.
    """
    policy = view.stage.setting.policy
    wanted = {"crm_wins": "crm", "local_wins": "local"}.get(policy)
    alive = {
        one for one, entries in view.journals.items() if not any(each["field"] == journal.DELETED for each in entries)
    }
    taken = {(one["record_id"], one["field"]) for one in view.conflicts if one["kind"] == "duplicate"}
    for one in view.conflicts:
        if one["kind"] != "field" or one["resolved_by"] != "policy":
            continue
        if one["policy"] != policy or one["resolution"] != (wanted or one["resolution"]):
            yield f"a conflict on {one['field']} went to {one['resolution']} by {one['policy']} under {policy}"
        held = [entry["to"] for entry in view.journals[one["record_id"]] if entry["field"] == one["field"]]
        could = one["record_id"] in alive and (one["record_id"], one["field"]) not in taken
        if one["resolution"] == "crm" and could and one["crm"] not in held:
            yield f"{one['record_id']}.{one['field']} never was {one['crm']!r}, which had won"


def few_calls(view: View) -> Iterator[str]:
    """Calls that push or look up are bounded by what changed and by what went wrong."""
    line, stage, habits = view.stage.line, view.stage, view.stage.setting.habits
    changes = stage.ledger.changes + stage.crm.edits
    bound = CALLS_A_CHANGE * changes + CALLS_A_FAULT * line.injected.total() + CALLS_A_LETTER * stage.crm.edits
    bound += CALLS_TO_LEARN * line.starts * ((not habits.looks_up) + (not habits.has_batches))
    made = line.calls["write"] + line.calls["look"]
    if habits.has_feed and made > bound:
        yield f"{made} calls for {changes} changes and {line.injected.total()} faults"


INVARIANTS = (
    Invariant("convergence", "At rest every live record is in step with its counterpart.", converged),
    Invariant("one to one", "Each record has one CRM record, and each CRM record one record.", one_to_one),
    Invariant("references", "At rest a record in the CRM names the counterparts of whom ours names.", parents.named),
    Invariant("policy", "Who wins a conflict is who the policy names.", by_the_policy),
    Invariant("durability", "No acknowledged write is lost.", history_kept.acknowledged),
    Invariant("journal", "The journal has every change once, and replays to the record.", history_kept.replayed),
    Invariant("unseen", "No edit of the CRM's staff is overwritten by a push that did not know of it.",
              history_kept.overwritten_unseen),
    Invariant("cause", "A value comes from the CRM as often as somebody wrote it there, and no oftener.",
              history_kept.without_cause),
    Invariant("tombstones", "What was deleted stays deleted until somebody restores it.", history_kept.risen),
    Invariant("guard", "No pull deletes more than ten records, or a tenth, without a person.",
              history_kept.mass_deletion),
    Invariant("runs", "Every run comes to its end.", lasting.runs_ended, once=True),
    Invariant("quiet", "At rest nothing is written any more, on either side.", lasting.quiet, once=True),
    Invariant("deliveries", "The same deliveries again, in any order, change nothing.", lasting.delivered_again,
              once=True),
    Invariant("verify", "Verify finds what differs, and nothing else.", lasting.verified),
    Invariant("calls", "Calls are bounded by changes and faults.", few_calls, once=True),
    Invariant("parents first", "No record is created in the CRM without the parent that it has here."),
    Invariant("versions", "The version of a record only rises."),
    Invariant("answers", "Callers get no error of ours; forged webhooks 401; repeated ones `duplicate`."),
    Invariant("forgotten", "Whatever is owed is tried, unaided, within the longest back-off."),
    Invariant("token", "No token is asked for while one is good."),
    Invariant("pause", "A CRM that asks for a pause gets one."),
    Invariant("circuit", "A CRM that does not answer is asked seldom."),
    Invariant("plan", "A run does what its plan said."),
    Invariant("rollback", "A rollback does what its dry run said."),
    Invariant("escaped", "No exception escapes from the service."),
)  # fmt: skip


def check(stage: "Stage") -> None:
    """Raises Violation for what does not hold: on the way, or at rest."""
    found = list(stage.ledger.breaches)
    for complaint in stage.line.complaints:
        name, _, text = complaint.partition(": ")
        found.append((name, text))
    views: dict[str, View] = {}
    views |= {name: View(stage, resource, views) for name, resource in stage.registry.items()}
    for invariant in INVARIANTS:
        for view in list(views.values())[: 1 if invariant.once else None]:
            found += [(invariant.name, text) for text in (invariant.check(view) if invariant.check else ())]
    if found:
        raise Violation(found)
