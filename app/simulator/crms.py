"""The whole simulated CRM: one for each resource, behind one address, with one clock and one log of writes."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from app.core.kinds import Email, Phone, Prose, Text
from app.core.resource import Resource
from app.crm.line import Answer, Call
from app.simulator.clock import Clock
from app.simulator.crm import TOKEN, SimulatedCrm, Write
from app.simulator.habits import Habits
from app.simulator.history import FIELD_DROPPED

FREE = (Text, Prose, Email, Phone)
"""Kinds of free text: what a CRM may write in a form of its own, and a reader still understands."""


class Crms:
    """Hands each call to the resource that it is about."""

    def __init__(self, clock: Clock, habits: Habits, resources: Iterable[Resource]) -> None:
        self.clock, self.habits = clock, habits
        self.writes: list[Write] = []
        self._paths: dict[str, SimulatedCrm] = {}
        self._names: dict[str, SimulatedCrm] = {}
        for resource in resources:
            made = SimulatedCrm(
                clock,
                resource.name,
                _of_its_own(habits, resource),
                writes=self.writes,
                as_is=_meaningful(resource),
                needs=_needed(resource),
            )
            self._paths[resource.crm_path] = self._names[resource.name] = made

    def __getitem__(self, resource: str) -> SimulatedCrm:
        return self._names[resource]

    def answer(self, call: Call) -> Answer:
        """Answer one call as a CRM that is well."""
        if call.path == TOKEN:
            return next(iter(self._paths.values())).answer(call)
        return self._paths["/".join(call.path.split("/")[:3])].answer(call)

    def tell(self, heard: Callable[[dict[str, Any]], None]) -> None:
        """Tell of every change from now on, for the webhooks."""
        for one in self._names.values():
            one.heard = heard

    @property
    def edits(self) -> int:
        """How often its staff wrote something."""
        return sum(1 for write in self.writes if write.who == "staff")


def _of_its_own(habits: Habits, resource: Resource) -> Habits:
    """Return the habits with the name of the field that is dropped: one that may be empty, and is no reference."""
    if habits.drops != FIELD_DROPPED:
        return habits
    fields = [resource.fields[name] for name in resource.pushed_fields]
    plain = [one for one in fields if one.nullable and not one.unique and not one.reference]
    return replace(habits, drops=plain[-1].crm if plain else None)


def _meaningful(resource: Resource) -> frozenset[str]:
    return frozenset(one.crm for one in resource.fields.values() if one.crm and one.kind not in FREE)


def _needed(resource: Resource) -> frozenset[str]:
    fields = (resource.fields[name] for name in resource.references)
    return frozenset(one.crm for one in fields if one.crm and one.required)
