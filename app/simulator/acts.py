"""What can happen in a history: to the application, in the CRM, with the webhooks and in the worker."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import DBAPIError

from app.core import mapping
from app.core.errors import NotNow
from app.crm import CRMError, signature
from app.services import resolutions, runs
from app.services.resolutions import Decision
from app.simulator import foretold, values
from app.simulator.history import Step
from app.simulator.ledger import NOT_NOW, REDIRECT, UNAUTHORIZED, Book, Letter
from app.simulator.settings import FORGED, SECRET
from app.simulator.staff import SELDOM, Staff
from app.sync import bulk, parked, task
from app.sync.engine import Engine
from app.sync.resolve import Choice
from app.sync.runs import Asked, resume_dead

if TYPE_CHECKING:
    from app.simulator.stage import Stage

WEB = frozenset({
    "create_here", "edit_here", "delete_here", "restore_here", "undo", "deliver", "double", "forge", "early",
})  # fmt: skip
"""Steps that a web process acts in; a worker does the others."""
SOON = 100


class Acts(Staff):
    """Each kind of step is a method of its name."""

    def __init__(self, stage: "Stage") -> None:
        self.stage = stage

    def actor(self, step: Step) -> str:
        """Return the process that acts in a step; what comes in the middle of another is done by others."""
        return ("web" if step.do in WEB else "worker") + (str(self.stage.depth + 1) if self.stage.depth else "")

    def play(self, step: Step) -> None:
        with self.stage.processes.acting(self.actor(step)) as engine:
            act = getattr(self, step.do)
            if step.do in WEB:
                act(step)
            else:
                self._as_worker(lambda: act(step, engine))

    def _as_worker(self, act: Callable[[], None]) -> None:
        """A worker's loop outlives a database that fails, and goes on with what it finds later."""
        try:
            act()
        except (NotNow, DBAPIError):
            if not self.stage.processes.storage_failed:
                raise

    # ── to the application ───────────────────────────────────────────────────────────────────────────────────────

    def _call(self, step: Step, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        """Call the service's API; return what it answered with a yes, else None."""
        answer = self.stage.client.open(f"/{self.stage.resource(step).name}{path}", method=method, json=fields)
        said_yes = self._answered(answer.status_code)
        return (answer.get_json(silent=True) or {}) if said_yes else None

    def _answered(self, code: int) -> bool:
        return self.stage.ledger.answered(code, storage_failed=self.stage.processes.storage_failed > 0)

    def _book(self, step: Step) -> Book:
        return self.stage.ledger.of[self.stage.resource(step).name]

    def _record(self, step: Step, *, deleted: bool = False) -> str | None:
        ids = self._book(step).tombstones if deleted else self._book(step).known
        return ids[step.which % len(ids)] if ids else None

    def _whom(self, resource: str, number: int) -> str | None:
        """Return a record here to refer to; now and then one that is deleted, which must be refused."""
        book = self.stage.ledger.of[resource]
        ids = book.tombstones if number % SELDOM == 0 and book.tombstones else book.known
        return ids[number % len(ids)] if ids else None

    def create_here(self, step: Step) -> None:
        fields = values.record(self.stage.resource(step), step.value, self._whom)
        made = self._call(step, "POST", "", fields) if fields else None
        if made is not None:
            self._book(step).wrote(made, fields)

    def edit_here(self, step: Step) -> None:
        record_id, fields = self._record(step), values.edit(self.stage.resource(step), step.value, self._whom)
        made = self._call(step, "PATCH", f"/{record_id}", fields) if record_id is not None and fields else None
        if made is not None:
            self._book(step).wrote(made, fields)

    def delete_here(self, step: Step) -> None:
        record_id = self._record(step)
        if record_id is not None and self._call(step, "DELETE", f"/{record_id}") is not None:
            self._book(step).deleted(record_id)

    def restore_here(self, step: Step) -> None:
        record_id = self._record(step, deleted=True)
        if record_id is not None:
            self._book(step).forget(record_id)
            self._book(step).shown(self._call(step, "POST", f"/{record_id}/restore"))

    def undo(self, step: Step) -> None:
        record_id = self._record(step)
        found = None if record_id is None else self._call(step, "GET", f"/{record_id}/changes")
        if record_id is not None and found and found["data"]:
            self._book(step).forget(record_id)
            self._book(step).shown(self._call(step, "POST", f"/{record_id}/changes/{found['data'][0]['id']}/undo"))

    # ── with the webhooks ────────────────────────────────────────────────────────────────────────────────────────

    def _letter(self, step: Step, *, take: bool = False) -> Letter | None:
        mail = self.stage.mail
        if not mail:
            return None
        return mail.pop(step.which % len(mail)) if take else mail[step.which % len(mail)]

    def deliver(self, step: Step) -> None:
        if letter := self._letter(step, take=True):
            code, _ = self.post(letter)
            if code == NOT_NOW:  # not acknowledged: it is sent again
                self.stage.mail.append(letter)
            elif code >= REDIRECT:
                self.stage.ledger.breach("answers", f"a webhook was answered {code}")

    def double(self, step: Step) -> None:
        if letter := self._letter(step):
            first, _ = self.post(letter)
            second, outcome = self.post(letter)
            if first == second == 200 and outcome != "duplicate":  # noqa: PLR2004
                self.stage.ledger.breach("answers", f"a delivery that came twice was taken for {outcome}")

    def lose(self, step: Step, _: Engine) -> None:
        self._letter(step, take=True)

    def forge(self, step: Step) -> None:
        if letter := self._letter(step):
            code, _ = self.post(letter, secret=FORGED)
            if code != UNAUTHORIZED:
                self.stage.ledger.breach("answers", f"a forged webhook was answered {code}")

    def early(self, step: Step) -> None:
        """A sender whose clock is a day ahead of its own news: what it says proves nothing."""
        live, resource = [row for row in self._crm(step).live() if row.version > 1], self.stage.resource(step)
        if live:
            row = live[step.which % len(live)]
            told = values.record(resource, step.which, self._whom_there)
            said = {name: told[name] for name in values.edit(resource, step.which, self._whom_there) if name in told}
            about = {"crm_id": row.crm_id, "resource": resource.name, "event": "updated"}
            stamp = self.stage.clock.ahead(days=1)
            body = {**about, "updated_fields": mapping.to_crm(resource, said), "timestamp": stamp}
            self.post(Letter(f"early-{stamp}", body))

    def post(self, letter: Letter, secret: str = SECRET) -> tuple[int, str | None]:
        """Deliver a webhook; return the status and the outcome it was answered with."""
        raw = json.dumps(letter.body).encode()
        stamp = str(int(self.stage.clock.now().timestamp()))
        signed = f"v1,{signature.sign(secret, letter.identity, stamp, raw)}"
        headers = {"webhook-id": letter.identity, "webhook-timestamp": stamp, "webhook-signature": signed}
        answer = self.stage.client.post("/webhook", data=raw, content_type="application/json", headers=headers)
        self._answered(answer.status_code)
        return answer.status_code, (answer.get_json(silent=True) or {}).get("outcome")

    # ── in the worker ────────────────────────────────────────────────────────────────────────────────────────────

    def _resources(self, engine: Engine) -> tuple[str, ...]:
        return tuple(engine.registry)

    def push(self, _: Step, engine: Engine) -> None:
        if engine.crm.breaker.opens_in() <= 0 and engine.crm.pace.paused_for() <= 0:
            for unit in bulk.units(engine, task.due(engine, SOON)):
                bulk.push_unit(engine, unit)

    def claim(self, step: Step, engine: Engine) -> None:
        self.stage.processes.claimed[self.actor(step)] += task.due(engine, SOON)

    def finish(self, step: Step, engine: Engine) -> None:
        claimed = self.stage.processes.claimed
        tasks, claimed[self.actor(step)] = claimed[self.actor(step)], []
        for unit in bulk.units(engine, tasks):
            bulk.push_unit(engine, unit)

    def pull(self, _: Step, engine: Engine) -> None:
        resume_dead(engine)
        runs.run(engine, Asked("pull", self._resources(engine), "schedule"))

    def settle(self, _: Step, engine: Engine) -> None:
        if engine.crm.breaker.opens_in() <= 0:
            parked.step(engine)

    def resolve(self, step: Step, engine: Engine) -> None:
        resolutions.resolve_many(engine, {}, Decision(Choice(step.value), by="test"))

    def plan(self, step: Step, engine: Engine) -> None:
        with suppress(CRMError):
            foretold.plan_and_do(self.stage, engine, compare=step.is_plain and not self.stage.depth)

    def roll_back(self, step: Step, engine: Engine) -> None:
        foretold.roll_back_one(self.stage, engine, step.which, compare=step.is_plain and not self.stage.depth)

    # ── to the world ─────────────────────────────────────────────────────────────────────────────────────────────

    def let_pass(self, step: Step, _: Engine) -> None:
        self.stage.clock.passed += step.value

    def jump(self, step: Step, _: Engine) -> None:
        self.stage.clock.skew = step.value

    def outage(self, step: Step, _: Engine) -> None:
        self.stage.line.down_until = self.stage.clock.passed + step.value

    def crash(self, _: Step, __: Engine) -> None:
        self.stage.processes.kill_all()
