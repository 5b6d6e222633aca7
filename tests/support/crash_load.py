"""A service under load that is killed at any moment, again and again, and what must hold between and after its lives."""

import itertools
import random
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tests.support.crash_fork import Child, Say, forked
from tests.support.crash_play import LONGEST, Place, Scenario, Theatre, nothing, place_for, sound
from tests.support.crash_stage import Stage
from tests.support.crash_truth import acknowledged, at_once, in_the_end
from tests.support.users import LATER

ROUND = 50
"""Kills on one database, until it is looked at in full."""
MOST_WORDS = 24
"""A life ends after fewer words than this, some before the first; a write is about two."""
AFTER = 0.03
"""Seconds after its last word within which a life ends: in the middle of something."""
IDLE = 0.01
"""Seconds between two looks of the worker when nothing was due."""
APART = 3
"""Minutes by which the clock of a life is ahead of the one before: what that one had leased is free."""


@dataclass
class Tally:
    """What many lives have come to."""

    kills: int = 0
    acknowledged: int = 0
    repeated: int = 0
    complaints: list[str] = field(default_factory=list)


class Slaughter(Theatre):
    """Lives of one service under load, each ended by a kill at a random moment."""

    def __init__(self, place: Place, template: str, seed: int) -> None:
        # Who asks again with the same key waits that long for the first request, which is dead: on our clock, in no time.
        super().__init__(Scenario(nothing, nothing, settings={"PUSH_BUDGET": 0.2}), place, template)
        self._chance = random.Random(seed)

    def kill(self, times: int) -> Tally:
        """Kill so many lives; stop at the first round after which something does not hold."""
        tally = Tally()
        self._warm_up()
        while tally.kills < times and not tally.complaints:
            self._round(min(ROUND, times - tally.kills), tally)
        return tally

    def _round(self, times: int, tally: Tally) -> None:
        self._make_new()
        told: list[Any] = []
        said: list[Any] = []
        for number in range(times):
            before, said = said, self._one_life(number, said)
            tally.repeated += _unanswered(before) is not None
            tally.complaints += [about for kind, *about in said if kind == "wrong"]
            told += said
            if number % 3 == 0:
                self._work_of_the_staff(number)
        tally.kills += times
        tally.acknowledged += len(acknowledged(told))
        tally.complaints += sound(forked(lambda say: self._look(say, times, told, said))).said[0]

    def _one_life(self, number: int, before: list[Any]) -> list[Any]:
        seed, words = self._chance.random(), self._chance.randrange(MOST_WORDS)
        child = Child(lambda say: self._work(say, number, before, random.Random(seed)))
        child.until_it_said(words)
        time.sleep(self._chance.uniform(0, AFTER))  # there is nothing to wait for: any moment is as good as another
        child.kill()
        return sound(child.wait()).said

    def _work_of_the_staff(self, number: int) -> None:
        if there := self._stage.crm.all():
            self._stage.crm.edit(self._chance.choice(there)["crm_id"], name=f"Edited {number}")

    def _work(self, say: Say, number: int, before: list[Any], chance: random.Random) -> None:
        stage = self._stage
        stage.begin(say, APART * number)
        with stage.app.app_context():
            for complaint in at_once(stage, acknowledged(before)):
                say(["wrong", complaint])
            say(["ready"])
            threading.Thread(target=_worker, args=(stage,), daemon=True).start()
            _callers(stage, say, number, _unanswered(before), chance)

    def _look(self, say: Say, lives: int, told: list[Any], last: list[Any]) -> None:
        stage = self._stage
        stage.begin(told.append, APART * lives)
        with stage.app.app_context():
            if (name := _unanswered(last)) is not None:
                stage.post(name, **LATER)
            stage.recover()
            say(list(in_the_end(stage, acknowledged(told))))
        stage.close()


def kill_at_random(crm_url: str, folder: Path, database: str, times: int) -> dict[str, Any]:
    """Kill a service under load so many times; return how many writes it had acknowledged, and what does not hold."""
    place = place_for(crm_url, folder, database)
    longest = LONGEST + 3 * times
    return sound(forked(lambda say: say(asdict(Slaughter(place, database, times).kill(times))), longest)).said[0]


def _unanswered(said: list[Any]) -> str | None:
    """Return the user whom a caller asked for last and got no answer about."""
    asked = [about[0] for kind, *about in said if kind == "asked"]
    answered = [about[0] for kind, *about in said if kind == "answered"]
    return asked[-1] if len(asked) > len(answered) else None


def _worker(stage: Stage) -> None:
    with stage.app.app_context():
        while True:
            stage.worker.pull_step()
            if not stage.worker.push_step():
                time.sleep(IDLE)


def _callers(stage: Stage, say: Say, life: int, unanswered: str | None, chance: random.Random) -> None:
    """Create, edit and delete without end; who got no answer from the life before asks again first."""
    users = [] if unanswered is None else [_create(stage, say, unanswered, LATER)]
    for number in itertools.count():
        headers = LATER if chance.random() < 0.7 else {}
        users.append(_create(stage, say, f"P{life}n{number}", headers))
        user = chance.choice(users)
        if chance.random() < 0.7:
            stage.patch(user, later=bool(headers), phone=f"222-222-{number % 10_000:04}")
        elif chance.random() < 0.5:
            users.remove(user)
            stage.delete(user, later=bool(headers))


def _create(stage: Stage, say: Say, name: str, headers: dict[str, str]) -> dict[str, Any]:
    say(["asked", name])
    user = stage.post(name, **headers)
    say(["answered", name])
    return user
