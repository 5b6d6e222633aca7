"""What happens in one simulated history: steps from a seed, plain values that can be kept, replayed and cut down."""

from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

FAULTS = (
    "cut_before", "cut_after", "refused", "500", "503", "429", "400", "401", "404_proxy", "html", "half", "empty",
    "error_in_200", "no_id", "other_id", "redirect",
)  # fmt: skip
WEIGHTS = {
    "create_here": 6, "edit_here": 12, "delete_here": 2, "restore_here": 1,
    "create_there": 5, "edit_there": 12, "delete_there": 2, "merge_there": 1,
    "deliver": 14, "double": 3, "lose": 3, "forge": 1,
    "push": 12, "claim": 3, "finish": 4, "pull": 6, "settle": 4,
    "pass": 8, "crash": 1, "jump": 1, "plan": 1, "undo": 1, "resolve": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One event: what is done, to which record (a number, taken modulo how many there are), with which value.

    `faults` are for the calls of this step, by their number; `during` are events that come in the middle of a call;
    `crash` is after how many calls and commits the process dies.
    """

    do: str
    which: int = 0
    value: Any = None
    faults: dict[int, str] = field(default_factory=dict)
    during: dict[int, "Step"] = field(default_factory=dict)
    crash: int | None = None

    def shown(self) -> dict[str, Any]:
        """Return it as JSON keeps it, without what it does not say."""
        return {name: value for name, value in asdict(self).items() if value not in (None, {}, 0)}


@dataclass(frozen=True)
class Setting:
    """What holds for a whole history."""

    policy: str = "crm_wins"
    inline: bool = True
    mangles: str = ""
    keeps_keys: bool = True
    has_batches: bool = True
    has_feed: bool = True
    deletes: bool = True


@dataclass(frozen=True)
class History:
    """A setting, and what happens in it."""

    seed: int
    setting: Setting
    steps: list[Step]

    def shown(self) -> dict[str, Any]:
        return {"seed": self.seed, "setting": asdict(self.setting), "steps": [step.shown() for step in self.steps]}


def read(kept: dict[str, Any]) -> History:
    """Return a history that was kept. Raises KeyError and TypeError for what is none."""
    return History(kept["seed"], Setting(**kept["setting"]), [_step(one) for one in kept["steps"]])


def _step(kept: dict[str, Any]) -> Step:
    faults = {int(call): fault for call, fault in kept.get("faults", {}).items()}
    during = {int(call): _step(one) for call, one in kept.get("during", {}).items()}
    return Step(**{**kept, "faults": faults, "during": during})


def make(seed: int, count: int, faults: tuple[str, ...] = FAULTS) -> History:
    """Return the history of a seed."""
    random = Random(seed)  # noqa: S311  (a seed is the point)
    setting = Setting(
        policy=random.choice(("crm_wins", "crm_wins", "local_wins", "latest", "manual")),
        inline=random.random() < 0.5,  # noqa: PLR2004
        mangles=random.choice(("", "", "strip", "upper")),
        keeps_keys=random.random() < 0.7,  # noqa: PLR2004
        has_batches=random.random() < 0.7,  # noqa: PLR2004
        has_feed=random.random() < 0.9,  # noqa: PLR2004
        deletes=random.random() < 0.85,  # noqa: PLR2004
    )
    return History(seed, setting, [_made(random, faults) for _ in range(count)])


def _made(random: Random, faults: tuple[str, ...], *, nested: bool = False) -> Step:
    do = random.choices(tuple(WEIGHTS), tuple(WEIGHTS.values()))[0]
    spoiled = {call: random.choice(faults) for call in range(4) if faults and random.random() < 0.12}  # noqa: PLR2004
    during = {}
    if not nested and random.random() < 0.15:  # noqa: PLR2004
        during = {random.randrange(3): _made(random, faults, nested=True)}
    crash = random.randrange(1, 6) if not nested and random.random() < 0.04 else None  # noqa: PLR2004
    return Step(do, random.randrange(100), _value(random, do), spoiled, during, crash)


def _value(random: Random, do: str) -> Any:
    if do in {"create_here", "create_there"}:  # now and then the same unique value twice
        return random.randrange(30) if random.random() < 0.1 else random.randrange(10**6)  # noqa: PLR2004
    if do in {"edit_here", "edit_there"}:
        return random.randrange(1000)
    if do == "pass":
        return random.choice((0.5, 3, 20, 61, 600, 4000))
    if do == "jump":
        return random.choice((-86400, -3600, 3600, 86400))
    return random.choice(("crm", "local")) if do == "resolve" else None
