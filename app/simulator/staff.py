"""What the CRM's staff does in a history: each kind of step is a method of its name."""

from typing import TYPE_CHECKING

from app.core import mapping
from app.simulator import values
from app.simulator.crm import SimulatedCrm
from app.simulator.history import Step
from app.sync.engine import Engine

if TYPE_CHECKING:
    from app.simulator.stage import Stage

PURGE_LEAVES = 1
SELDOM = 9
"""One in so many references is to a record that may be gone."""


class Staff:
    """Writes in the CRM, in its own names and with its own ids."""

    stage: "Stage"

    def _crm(self, step: Step) -> SimulatedCrm:
        return self.stage.crm[self.stage.resource(step).name]

    def _whom_there(self, resource: str, number: int) -> str | None:
        """Return a record of the CRM to refer to: one that we may not know yet, now and then one that is no more."""
        crm = self.stage.crm[resource]
        ids = list(crm.rows) if number % SELDOM == 0 else [row.crm_id for row in crm.live()]
        return ids[number % len(ids)] if ids else None

    def create_there(self, step: Step, _: Engine) -> None:
        fields = values.record(self.stage.resource(step), step.value, self._whom_there)
        if fields:
            self._crm(step).create(mapping.to_crm(self.stage.resource(step), fields))

    def edit_there(self, step: Step, _: Engine) -> None:
        if live := self._crm(step).live():
            fields = values.edit(self.stage.resource(step), step.value, self._whom_there)
            said = mapping.to_crm(self.stage.resource(step), fields)
            self._crm(step).edit(live[step.which % len(live)].crm_id, said)

    def delete_there(self, step: Step, _: Engine) -> None:
        if live := self._crm(step).live():
            self._crm(step).delete(live[step.which % len(live)].crm_id)

    def merge_there(self, step: Step, _: Engine) -> None:
        live = self._crm(step).live()
        if len(live) > 1:
            winner, loser = live[step.which % len(live)], live[(step.which + 1) % len(live)]
            self._crm(step).delete(loser.crm_id, merged_into=winner.crm_id)

    def purge_there(self, step: Step, __: Engine) -> None:
        for row in self._crm(step).live()[PURGE_LEAVES:]:
            self._crm(step).delete(row.crm_id)
            self.stage.mail.clear()  # nobody hears of it but by the pull
