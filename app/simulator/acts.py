"""What can happen in a history: to the application, in the CRM, with the webhooks and in the worker."""

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from app.crm import CRMError, signature
from app.services import plans, resolutions, runs
from app.services.resolutions import Decision
from app.simulator import values
from app.simulator.history import Step
from app.sync import bulk, parked, task
from app.sync.resolve import Choice
from app.sync.runs import Asked

if TYPE_CHECKING:
    from app.simulator.stage import Stage

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105
FORGED = "whsec_Zm9yZ2VkZm9yZ2VkZm9yZ2VkZm9yZ2Vk"


class Acts:
    """Each kind of step is a method of its name."""

    def __init__(self, stage: "Stage") -> None:
        self.stage = stage

    def play(self, step: Step) -> None:
        getattr(self, {"pass": "let_pass"}.get(step.do, step.do))(step)

    def _record(self, which: int, *, deleted: bool = False) -> str | None:
        ids = self.stage.truth.ids(deleted=deleted)
        return ids[which % len(ids)] if ids else None

    def create_here(self, step: Step) -> None:
        fields = values.record(self.stage.resource, step.value)
        answer = self.stage.client.post(f"/{self.stage.resource.name}", json=fields)
        self.stage.truth.created(answer.status_code, answer.json or {}, fields)

    def edit_here(self, step: Step) -> None:
        record_id = self._record(step.which)
        if record_id is not None:
            fields = values.edit(self.stage.resource, step.value)
            answer = self.stage.client.patch(f"/{self.stage.resource.name}/{record_id}", json=fields)
            self.stage.truth.edited(answer.status_code, record_id, fields)

    def delete_here(self, step: Step) -> None:
        record_id = self._record(step.which)
        if record_id is not None:
            answer = self.stage.client.delete(f"/{self.stage.resource.name}/{record_id}")
            self.stage.truth.deleted_here(answer.status_code, record_id)

    def restore_here(self, step: Step) -> None:
        record_id = self._record(step.which, deleted=True)
        if record_id is not None:
            self.stage.truth.undone(record_id)  # also when it dies before it can say so
            answer = self.stage.client.post(f"/{self.stage.resource.name}/{record_id}/restore")
            self.stage.truth.answered(answer.status_code)

    def undo(self, step: Step) -> None:
        record_id = self._record(step.which)
        if record_id is None:
            return
        entries = self.stage.client.get(f"/{self.stage.resource.name}/{record_id}/changes").get_json()["data"]
        if entries:
            self.stage.truth.undone(record_id)
            answer = self.stage.client.post(f"/{self.stage.resource.name}/{record_id}/changes/{entries[0]['id']}/undo")
            self.stage.truth.answered(answer.status_code)

    def resolve(self, step: Step) -> None:
        resolutions.resolve_many(self.stage.engine, {}, Decision(Choice(step.value), by="test"))

    def create_there(self, step: Step) -> None:
        self.stage.crm.create(values.record(self.stage.resource, step.value))

    def edit_there(self, step: Step) -> None:
        if live := self.stage.crm.live():
            self.stage.crm.edit(live[step.which % len(live)].crm_id, values.edit(self.stage.resource, step.value))

    def delete_there(self, step: Step) -> None:
        if live := self.stage.crm.live():
            self.stage.crm.delete(live[step.which % len(live)].crm_id)

    def merge_there(self, step: Step) -> None:
        live = self.stage.crm.live()
        if len(live) > 1:
            winner, loser = live[step.which % len(live)], live[(step.which + 1) % len(live)]
            self.stage.crm.delete(loser.crm_id, merged_into=winner.crm_id)

    def deliver(self, step: Step) -> None:
        if self.stage.mail:
            self._post(self.stage.mail.pop(step.which % len(self.stage.mail)))

    def double(self, step: Step) -> None:
        if self.stage.mail:
            letter = self.stage.mail[step.which % len(self.stage.mail)]
            self._post(letter)
            self._post(letter)

    def lose(self, step: Step) -> None:
        if self.stage.mail:
            self.stage.mail.pop(step.which % len(self.stage.mail))

    def forge(self, step: Step) -> None:
        if self.stage.mail:
            letter = self.stage.mail[step.which % len(self.stage.mail)]
            answer = self._post(letter, secret=FORGED)
            self.stage.truth.forged(answer)

    def _post(self, letter: dict[str, Any], secret: str = SECRET) -> int:
        raw = json.dumps(letter).encode()
        identity = f"msg_{letter['crm_id']}_{letter['version']}"
        stamp = str(int(self.stage.clock.now().timestamp()))
        signed = f"v1,{signature.sign(secret, identity, stamp, raw)}"
        headers = {"webhook-id": identity, "webhook-timestamp": stamp, "webhook-signature": signed}
        answer = self.stage.client.post("/webhook", data=raw, content_type="application/json", headers=headers)
        self.stage.truth.answered(answer.status_code)
        return answer.status_code

    def push(self, _: Step) -> None:
        for unit in bulk.units(self.stage.engine, task.due(self.stage.engine, 100)):
            bulk.push_unit(self.stage.engine, unit)

    def claim(self, _: Step) -> None:
        self.stage.claimed += task.due(self.stage.engine, 100)

    def finish(self, _: Step) -> None:
        claimed, self.stage.claimed = self.stage.claimed, []
        for unit in bulk.units(self.stage.engine, claimed):
            bulk.push_unit(self.stage.engine, unit)

    def pull(self, _: Step) -> None:
        runs.run(self.stage.engine, Asked("pull", tuple(self.stage.engine.registry), "schedule"))

    def settle(self, _: Step) -> None:
        parked.step(self.stage.engine)

    def plan(self, _: Step) -> None:
        with suppress(CRMError):
            plans.plan(self.stage.engine, "both", list(self.stage.engine.registry), 1000)

    def let_pass(self, step: Step) -> None:
        self.stage.clock.passed += step.value

    def jump(self, step: Step) -> None:
        self.stage.clock.skew = step.value

    def crash(self, _: Step) -> None:
        self.stage.stop()
        self.stage.start()
