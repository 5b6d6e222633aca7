"""An engine without one of its safeguards: what each mutant takes away, and which invariants have to notice."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from flask import has_request_context, request
from sqlalchemy import true

from app.core import db as core_db
from app.core import mapping
from app.core.record import MISSING
from app.core.resource import Registry
from app.crm import answers, auth, breaker, client, dialect, limits, signature
from app.simulator import history
from app.simulator.history import History
from app.store import inbox, journal, links, outbox, runs, work
from app.sync import (
    bulk,
    deletions,
    ending,
    feed,
    foreseen,
    incoming,
    parked,
    plan,
    pull,
    push,
    reconcile,
    rollback,
    task,
)
from app.sync import differences as differing

Break = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, "Mutant"] = {}


@dataclass(frozen=True)
class Mutant:
    """`within` is how many histories the simulator may need to find it, with these `faults` in half of the calls."""

    safeguard: str
    break_it: Break
    found_by: frozenset[str]
    within: int = 500
    several: bool = False
    """Whether it takes several resources, that refer to each other."""
    faults: tuple[str, ...] = ()
    """None: all faults, as often as the seed says."""

    def history(self, seed: int, registry: Registry) -> History:
        if not self.faults:
            return history.make(seed, 60, registry=registry)
        return history.make(seed, 60, self.faults, 0.5, registry)


def mutant(
    safeguard: str, *found_by: str, within: int = 500, several: bool = False, faults: tuple[str, ...] = ()
) -> Callable[[Break], Break]:
    def keep(break_it: Break) -> Break:
        MUTANTS[break_it.__name__] = Mutant(safeguard, break_it, frozenset(found_by), within, several, faults)
        return break_it

    return keep


# ── what leaves for the CRM ──────────────────────────────────────────────────────────────────────────────────────


@mutant("the same Idempotency-Key for the same intent", "one to one")
def no_idempotency_key(patch):
    real = client.CRMClient._call

    def call(self, method, path, *, deadline=None, **request):
        headers = {name: value for name, value in request.get("headers", {}).items() if name != "Idempotency-Key"}
        return real(self, method, path, deadline=deadline, **{**request, "headers": headers})

    patch.setattr(client.CRMClient, "_call", call)


@mutant("a look-up before a create whose outcome is not known", "one to one")
def no_look_up(patch):
    patch.setattr(client.CRMClient, "_find_once", lambda *_: None)


@mutant("a look-up that is refused is asked again", "one to one", faults=("cut_after", "422"))
def refused_look_ups_find_nothing(patch):
    patch.setattr(client, "REFUSALS", 1)


@mutant("a create is written down before it is sent", "one to one", "plan")
def creates_are_not_noted(patch):
    real = outbox.Owed.sending
    patch.setattr(outbox.Owed, "sending", lambda self, sent, creating: real(self, sent, None))


@mutant("a refusal says nothing of an earlier attempt", "one to one", "unseen", "cause", faults=("cut_after", "422"))
def refusals_undo_attempts(patch):
    patch.setattr(answers, "not_known", lambda error: error)


@mutant("an error after the write counts as unknown, not as undone", "one to one")
def errors_mean_nothing_was_done(patch):
    patch.setattr(answers, "NOT_DONE", answers.NOT_DONE | {500, 502, 504})


@mutant("a create that was cut off in a batch is repeated in a batch", "one to one", faults=("cut_after",))
def batches_are_repeated_one_by_one(patch):
    real = push._create
    patch.setattr(push, "_create", lambda engine, task, *rest: real(engine, replace(task, batched=False), *rest))


@mutant("If-Match, and its like in a batch", "unseen")
def no_if_match(patch):
    real = dialect._batched
    patch.setattr(dialect, "if_match", lambda _version: {})
    patch.setattr(dialect, "_batched", lambda item: real(replace(item, version=None)))


@mutant("the version in If-Match is the newest that is known whole", "unseen")
def versions_with_gaps(patch):
    patch.setattr(reconcile, "_known_whole", lambda copy, _, stamp, *, whole: stamp.version or copy.version)


@mutant("leases: one worker at a time pushes a record", "one to one", "unseen", "escaped")
def no_leases(patch):
    patch.setattr(outbox.Owed, "is_free", lambda *_: True)
    patch.setattr(outbox, "_IS_FREE", true())
    patch.setattr(outbox, "_claimable", outbox._claimable.__wrapped__)  # what it has built already has leases
    patch.setattr(bulk, "held", lambda _engine, unit: unit)


@mutant("a push is over before its lease is", "one to one", "unseen")
def pushes_outlive_their_lease(patch):
    patch.setattr(bulk, "_deadline", lambda engine, _task: engine.world.monotonic() + 45.0)
    patch.setattr(bulk, "held", lambda _engine, unit: unit)


@mutant("what had no outcome stays owed", "convergence", "one to one")
def gives_up_at_once(patch):
    real = ending.unavailable

    def unavailable(work, engine, owed, error, *, forget):
        ended = real(work, engine, owed, error, forget=forget)
        work.outbox.remove(owed.record_id)
        return ended

    patch.setattr(ending, "unavailable", unavailable)


@mutant("an edit and the note that it is owed are one transaction", "convergence")
def edits_are_not_owed(patch):
    real = work.Work.owe
    patch.setattr(
        work.Work, "owe", lambda self, identity, *rest, **more: None if len(identity) and int(identity[-1], 16) % 2
        else real(self, identity, *rest, **more),
    )  # fmt: skip


# ── the merge ────────────────────────────────────────────────────────────────────────────────────────────────────


@mutant("the order of news, field by field", "cause", "convergence", "unseen", "deliveries", "quiet")
def news_in_any_order(patch):
    patch.setattr(reconcile, "compare", lambda *_: "newer")


@mutant("only what differs from the crm_copy is pushed", "quiet", "forgotten", "unseen", "calls", "convergence")
def whole_records_are_pushed(patch):
    patch.setattr(reconcile, "owed", lambda pushed, local, _copy: {name: local[name] for name in pushed})


@mutant("the crm_copy is the base of the merge", "cause", "convergence", "policy", "unseen", "durability")
def no_base(patch):
    real = reconcile._take_in

    def take_in(merged, name, *rest):
        merged.copy.fields.pop(name, None)
        real(merged, name, *rest)

    patch.setattr(reconcile, "_take_in", take_in)


@mutant("another form of what was sent counts as the same", "quiet", "forgotten", "convergence", "calls")
def forms_start_loops(patch):
    def told(copy, name, mine):
        theirs = copy.fields.get(name, MISSING)
        return mine == theirs or (theirs is MISSING and mine is None)

    patch.setattr(reconcile, "_told", told)


@mutant("the policy decides who wins", "policy")
def the_other_side_wins(patch):
    real = incoming.Incoming.winner
    other = {"crm": "local", "local": "crm"}
    patch.setattr(incoming.Incoming, "winner", lambda *given: other.get(real(*given)))


@mutant("who won a conflict is whose value is kept", "policy", within=200)
def the_winner_loses(patch):
    real = reconcile._clash

    def clash(merged, name, last_told, value, winner):
        real(merged, name, last_told, value, {"crm": "local", "local": "crm"}.get(winner))
        merged.clashes[-1] = replace(merged.clashes[-1], winner=winner)

    patch.setattr(reconcile, "_clash", clash)


@mutant("the loser's value is kept in the conflict", "unseen", "convergence")
def conflicts_are_not_kept(patch):
    patch.setattr(incoming.Incoming, "report", lambda *_: False)


@mutant("only a difference is a change", "quiet", "deliveries", "journal", "cause")
def everything_is_a_change(patch):
    def differences(before, after):
        return {name: (before.get(name), value) for name, value in after.items()}

    patch.setattr(journal, "differences", differences)


@mutant("tombstones stay", "tombstones")
def late_news_revive(patch):
    real = pull._merge

    def merge(this, record, copy, created):
        record.deleted_at = None
        return real(this, record, copy, created)

    patch.setattr(pull, "_merge", merge)


@mutant("a tombstone is still found by its crm_id", "one to one", "escaped", "convergence", "tombstones", "quiet")
def tombstones_are_strangers(patch):
    real = work.Work.linked

    def linked(self, crm_id):
        found = real(self, crm_id)
        return None if found is not None and found.deleted_at is not None else found

    patch.setattr(work.Work, "linked", linked)


@mutant("an answer about another record is none", "convergence", "one to one", "escaped", "cause", "unseen")
def any_id_will_do(patch):
    real = dialect.snapshot

    def snapshot(value, *, asked=None):
        return real(value)

    patch.setattr(dialect, "snapshot", snapshot)


# ── what comes in ────────────────────────────────────────────────────────────────────────────────────────────────


@mutant("a delivery is taken once", "answers")
def deliveries_are_taken_twice(patch):
    real = inbox.remember

    def remember(*given):
        real(*given)
        return True

    patch.setattr(inbox, "remember", remember)


@mutant("a delivery that comes too early is parked", "convergence", "one to one")
def nothing_is_parked(patch):
    patch.setattr(inbox, "park", lambda tx, identity, _body, _due_at: inbox.settled(tx, identity, "unchanged"))


@mutant("what is parked is looked up in the CRM", "forgotten")
def the_parked_are_forgotten(patch):
    patch.setattr(parked, "step", lambda _engine: 0)


@mutant("a stamp from the future proves nothing", "convergence", "cause", "unseen", "calls", "forgotten")
def the_future_is_believed(patch):
    patch.setattr("app.services.deliveries._is_from_the_future", lambda *_: False)


@mutant("the signature of a webhook", "answers")
def anybody_may_post(patch):
    patch.setattr(signature, "_equal", lambda *_: True)


@mutant("the overlap: each pull reads the last page again", "convergence", "one to one", "verify")
def no_overlap(patch):
    real = feed.pages

    def pages(*given):
        for asked_with, page in real(*given):
            yield page.cursor or asked_with, page

    patch.setattr(feed, "pages", pages)


@mutant("the guard on mass deletions", "guard", within=1000)
def any_number_is_deleted(patch):
    patch.setattr(deletions, "allowed", lambda _linked: 10**6)


# ── references ───────────────────────────────────────────────────────────────────────────────────────────────────


@mutant("a record waits until whom it names is in the CRM", "parents first", several=True)
def children_do_not_wait(patch):
    real = task._links
    patch.setattr(task, "_links", lambda *given: (real(*given)[0], None))


@mutant("who waited for another record is woken", "forgotten", several=True)
def nobody_is_woken(patch):
    patch.setattr(outbox, "wake", lambda *_: None)


@mutant("whom we do not know is asked for", "convergence", "references", "one to one", "verify", several=True)
def strangers_are_nobody(patch):
    real = links.Links._load_ours

    def load_ours(self, wanted):
        real(self, wanted)
        self._ours |= {one: None for one in wanted if one not in self._ours}

    patch.setattr(links.Links, "_load_ours", load_ours)


@mutant("a reference goes out as the CRM's id", "references", "convergence", "verify", several=True)
def ids_go_out_as_ours(patch):
    real = mapping.to_crm
    patch.setattr(mapping, "to_crm", lambda resource, fields, _links=None: real(resource, fields))


# ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────────────


@mutant("every change is in the journal", "journal", "durability")
def pulls_are_not_journalled(patch):
    real = journal.add
    patch.setattr(journal, "add", lambda tx, entries: real(tx, [one for one in entries if one.origin != "webhook"]))


@mutant("a run that was cut off is gone on with", "runs", "forgotten")
def the_dead_stay_dead(patch):
    patch.setattr(runs, "dead", lambda *_: [])


@mutant("a connection whose commit failed is thrown away", "escaped", "answers")
def broken_connections_are_kept(patch):
    patch.setattr(core_db, "_commit", lambda connection: connection.commit())


@mutant("a yes is said after the commit", "durability")
def yes_without_a_commit(patch):
    real, numbers = core_db._commit, itertools.count(1)

    def commit(tx):
        is_lost = has_request_context() and request.method == "PATCH" and next(numbers) % 3 == 0
        tx.rollback() if is_lost else real(tx)

    patch.setattr(core_db, "_commit", commit)


def _lost(patch, is_lost):
    """Answer some requests with a yes whose transaction was rolled back."""
    real = core_db._commit
    patch.setattr(
        core_db, "_commit", lambda tx: tx.rollback() if has_request_context() and is_lost(request) else real(tx)
    )


@mutant("a yes to a restore or an undo is said after the commit", "durability")
def restored_without_a_commit(patch):
    _lost(patch, lambda asked: asked.method == "POST" and asked.path.endswith(("/restore", "/undo")))


@mutant("a yes to an edit that empties a field is said after the commit", "durability")
def emptied_without_a_commit(patch):
    _lost(patch, lambda asked: asked.method == "PATCH" and None in asked.get_json().values())


@mutant("a version is never given twice", "versions", "journal", "durability")
def versions_begin_anew(patch):
    real = pull._write

    def write(this, record, *rest):
        changed = real(this, record, *rest)
        record.version = 1
        this.work.save(record)
        return changed

    patch.setattr(pull, "_write", write)


# ── how the CRM is asked ─────────────────────────────────────────────────────────────────────────────────────────


@mutant("a token is kept while it is good", "token")
def a_token_for_each_call(patch):
    def headers(self):
        self._refused = self._token and self._token.value
        return {"Authorization": f"Bearer {self._renewed(self._token).value}"}

    patch.setattr(auth.BearerToken, "headers", headers)


@mutant("a 429 pauses the whole client", "pause")
def nobody_pauses(patch):
    patch.setattr(limits.Pace, "pause", lambda *_: None)


@mutant("the circuit breaker", "circuit")
def no_circuit(patch):
    patch.setattr(breaker.Breaker, "check", lambda _: None)
    patch.setattr(breaker.Breaker, "opens_in", lambda _: 0.0)


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────


@mutant("a plan holds what would be written", "plan")
def plans_are_empty(patch):
    patch.setattr(plan.Plan, "add", lambda *_: None)


@mutant("a dry rollback holds every write", "rollback")
def plans_leave_out(patch):
    real = foreseen.writes_of
    patch.setattr(foreseen, "writes_of", lambda *given: [one for one in real(*given) if one["action"] != "update"])


@mutant("a rollback leaves what has moved since", "rollback", "escaped")
def rollbacks_take_all(patch):
    patch.setattr(rollback, "_moved", lambda *_: None)


@mutant("verify compares every field", "verify")
def verify_sees_nothing(patch):
    patch.setattr(differing, "difference", lambda *_: None)
    patch.setattr("app.sync.verify.difference", lambda *_: None)


FOUND_AT = {
    "refused_look_ups_find_nothing": 23,
    "batches_are_repeated_one_by_one": 51,
    "refusals_undo_attempts": 329,
    "children_do_not_wait": 1,
    "nobody_is_woken": 1,
    "strangers_are_nobody": 12,
    "ids_go_out_as_ours": 3,
    "everything_is_a_change": 8,
    "the_parked_are_forgotten": 1,
    "no_idempotency_key": 149,
    "no_look_up": 20,
    "creates_are_not_noted": 20,
    "no_if_match": 3,
    "versions_with_gaps": 73,
    "no_leases": 93,
    "pushes_outlive_their_lease": 110,
    "gives_up_at_once": 9,
    "edits_are_not_owed": 2,
    "news_in_any_order": 2,
    "whole_records_are_pushed": 2,
    "no_base": 2,
    "forms_start_loops": 10,
    "the_other_side_wins": 5,
    "the_winner_loses": 20,
    "conflicts_are_not_kept": 33,
    "late_news_revive": 1,
    "tombstones_are_strangers": 11,
    "any_id_will_do": 197,
    "deliveries_are_taken_twice": 5,
    "nothing_is_parked": 2,
    "the_future_is_believed": 12,
    "anybody_may_post": 1,
    "no_overlap": 146,
    "any_number_is_deleted": 46,
    "pulls_are_not_journalled": 4,
    "yes_without_a_commit": 3,
    "restored_without_a_commit": 6,
    "emptied_without_a_commit": 6,
    "versions_begin_anew": 2,
    "broken_connections_are_kept": 5,
    "nobody_pauses": 88,
    "the_dead_stay_dead": 1,
    "a_token_for_each_call": 1,
    "no_circuit": 6,
    "plans_leave_out": 34,
    "plans_are_empty": 155,
    "verify_sees_nothing": 2,
    "errors_mean_nothing_was_done": 248,
    "rollbacks_take_all": 453,
}
"""A seed whose history shows the damage, mostly the first: at most so many histories are needed."""
