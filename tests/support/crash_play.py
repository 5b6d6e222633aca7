"""A scenario, played once for each point at which its process can die, and looked at after the restart."""

import gc
import json
import shutil
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL
from typing import Any
from uuid import uuid4

from tests.support import databases
from tests.support.crash_fork import Ended, Say, forked
from tests.support.crash_points import CrashPoints
from tests.support.crash_stage import Place, Stage
from tests.support.crash_truth import acknowledged, at_once, in_the_end, outcome, whole

READY_WITHIN = 5.0
"""Seconds that a service may take from its restart to its readiness."""
LONGEST = 900.0
"""Seconds for all lives of one scenario."""
Act = Callable[[Stage], None]
OURS = ("here", "journal")
BOTH = (*OURS, "there", "told", "conflicts")


def nothing(_: Stage) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Scenario:
    """What is there before, what is cut off, and what somebody who got no answer does again after the restart."""

    prepare: Act
    act: Act
    again: Act = nothing
    settings: dict[str, Any] = field(default_factory=dict)
    coalesces: bool = False
    """Whether edits that meet in the outbox may reach the CRM as one: then only our side must always be the same."""


@dataclass
class Played:
    """One life, its end and the life after."""

    points: list[str]
    ended: Ended
    complaints: list[str]
    outcome: dict[str, Any]


class Theatre:
    """Plays one scenario again and again, on one place that is made new each time."""

    def __init__(self, scenario: Scenario, place: Place, template: str) -> None:
        self._scenario, self._place, self._template = scenario, place, template
        self._stage = Stage(place, scenario.settings)

    def everywhere(self, stride: int) -> list[str]:
        """Kill the scenario's process at each of its points, twice: after the restart the push or the pull comes first.

        With a stride only at every so many points, the two in turns. Return the points. Raises AssertionError.
        """
        self._warm_up()
        undisturbed = self.play(None)
        assert undisturbed.ended.signal is None, "nobody has killed it"
        assert undisturbed.complaints == [], f"without a kill: {undisturbed.complaints}"
        for number in range(0, len(undisturbed.points), stride):
            for pull_first in (False, True) if stride == 1 else (bool(number // stride % 2),):
                self._die(number, undisturbed, pull_first=pull_first)
        return undisturbed.points

    def _die(self, number: int, undisturbed: Played, *, pull_first: bool) -> None:
        played = self.play(number, pull_first=pull_first)
        order = "pulls" if pull_first else "pushes"
        where = f"killed at point {number} of {len(undisturbed.points)}, {undisturbed.points[number]}, then {order}"
        assert played.ended.signal == SIGKILL, f"{where}: it was not killed"
        assert played.complaints == [], f"{where}: {played.complaints}"
        differ = _differences(played.outcome, undisturbed.outcome, OURS if self._scenario.coalesces else BOTH)
        assert differ == {}, f"{where}: {differ}"

    def play(self, die_at: int | None, *, pull_first: bool = False) -> Played:
        """Play a scenario whose process dies at a point of this number, and let another process recover."""
        self._make_new()
        first = sound(forked(lambda say: self._live(say, die_at)))
        after = sound(forked(lambda say: self._live_on(say, first.said, pull_first=pull_first)))
        points = next((about[0] for kind, *about in first.said if kind == "points"), [])
        [found] = [about for kind, *about in after.said if kind == "found"]
        return Played(points, first, *found)

    def _warm_up(self) -> None:
        """Play it once in this process, so that its forks find every statement compiled."""
        self._make_new()
        said: list[Any] = []
        self._live(said.append, None)
        self._live_on(said.append, said)
        gc.freeze()  # what is here by now need not be looked at, and so not be copied, in each fork

    def _make_new(self) -> None:
        self._stage.crm.close()
        shutil.rmtree(self._place.folder, ignore_errors=True)
        self._place.folder.mkdir()
        if self._place.database_url.startswith("sqlite"):
            shutil.copy(self._template, self._place.folder / "app.db")
        else:
            databases.empty(self._place.database_url)

    def _live(self, say: Say, die_at: int | None) -> None:
        stage, points = self._stage, CrashPoints(die_at)
        stage.begin(say)
        with stage.app.app_context(), points.watching(stage.app):
            self._scenario.prepare(stage)
            points.arm()
            self._scenario.act(stage)
        say(["points", points.passed])
        stage.close()

    def _live_on(self, say: Say, said: list[Any], *, pull_first: bool = False) -> None:
        began, stage, said = time.monotonic(), self._stage, list(said)
        kept = {name: value for kind, *about in said if kind == "kept" for name, value in about[0].items()}
        stage.begin(said.append, 3, kept)
        with stage.app.app_context():
            complaints = [*at_once(stage, acknowledged(said)), *whole(stage)]
            if (took := time.monotonic() - began) > READY_WITHIN:
                complaints.append(f"K1: it was ready after {took:.1f} s")
            self._scenario.again(stage)
            stage.recover(pull_first=pull_first)
            complaints += in_the_end(stage, acknowledged(said))
            say(["found", complaints, json.loads(json.dumps(outcome(stage)))])
        stage.close()


def place_for(crm_url: str, folder: Path, database: str) -> Place:
    """Return a new place; `database` is a SQLite file to copy, or the address of a database to empty."""
    own = folder / str(uuid4())
    url = f"sqlite:///{own / 'app.db'}" if database.endswith(".db") else database
    return Place(url, f"{crm_url}/{own.name}", own)


def everywhere(scenario: Scenario, crm_url: str, folder: Path, database: str, stride: int = 1) -> list[str]:
    """Play a scenario in a fork of this process, once for each of its points, or for every so many; return the points.

    Raises AssertionError.
    """
    place = place_for(crm_url, folder, database)
    return sound(forked(lambda say: say(Theatre(scenario, place, database).everywhere(stride)), LONGEST)).said[0]


def sound(ended: Ended) -> Ended:
    assert ended.error is None, ended.error
    return ended


def _differences(found: dict[str, Any], wanted: dict[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return of each list that differs what is more and what is missing."""
    return {
        name: {"more": _but(found[name], wanted[name]), "missing": _but(wanted[name], found[name])}
        for name in names
        if found[name] != wanted[name]
    }


def _but(these: list[Any], those: list[Any]) -> list[Any]:
    return [one for one in these if these.count(one) > those.count(one)]
