"""What happens in one simulated history: steps from a seed, plain values that can be kept, replayed and cut down."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from random import Random
from types import MappingProxyType
from typing import Any

from app.core.resource import Registry
from app.simulator.faults import FAULTS
from app.simulator.habits import Habits

WEIGHTS = {
    "create_here": 4, "edit_here": 14, "delete_here": 2, "restore_here": 1,
    "create_there": 3, "edit_there": 14, "delete_there": 2, "merge_there": 1, "purge_there": 1,
    "deliver": 14, "double": 3, "lose": 3, "forge": 1, "early": 1,
    "push": 12, "claim": 6, "finish": 7, "pull": 6, "settle": 4,
    "let_pass": 8, "crash": 1, "jump": 1, "outage": 1, "plan": 1, "undo": 1, "roll_back": 1, "resolve": 2,
}  # fmt: skip
"""How often each kind of step is drawn. Each is a method of `acts.Acts`."""
ABOUT_ONE = frozenset({
    "create_here", "edit_here", "delete_here", "restore_here", "undo",
    "create_there", "edit_there", "delete_there", "merge_there", "early",
})  # fmt: skip
"""Steps about records of one resource."""
FIELD_DROPPED = "*"
STORAGE = ("busy", "full")
NEWS = ("both", "webhooks", "pulls")
RATES = (0.0, 0.05, 0.15, 0.3)
FEW_RATES = (0.1, 0.3, 0.5, 0.7)
FIRST = 2
"""Records of each resource that a history of several begins with, so that there is somebody to refer to."""
LEADS = 3
"""How much oftener a resource takes part that refers to others, and how much oftener it is what a step is about."""
MANY = 13
"""Records a history of a mass deletion begins with."""


@dataclass(frozen=True)
class Step:
    """One event: what is done, to which record (a number, taken modulo how many there are), with which value.

    `resource` is of which one, where there are several.

    `faults` are for the calls of this step, by their number, and `storage` for its transactions; `during` are events
    that come in the middle of a call, done by another process; `crash` is after how many calls and commits it dies.
    """

    do: str
    which: int = 0
    value: Any = None
    faults: dict[int, str] = field(default_factory=dict)
    storage: dict[int, str] = field(default_factory=dict)
    during: dict[int, "Step"] = field(default_factory=dict)
    crash: int | None = None
    resource: str = ""

    @property
    def is_plain(self) -> bool:
        """Tell whether nothing goes wrong in it, and nothing else happens meanwhile."""
        return not (self.faults or self.storage or self.during) and self.crash is None

    def shown(self) -> dict[str, Any]:
        """Return it as JSON keeps it, without what it does not say."""
        plain = Step(self.do)
        shown = {name: value for name, value in asdict(self).items() if name == "do" or value != getattr(plain, name)}
        return shown | ({"during": {call: one.shown() for call, one in self.during.items()}} if self.during else {})


@dataclass(frozen=True)
class Setting:
    """What holds for a whole history. `news` is how edits of the CRM come in: both ways, or only one of them."""

    policy: str = "crm_wins"
    inline: bool = True
    deletes: bool = True
    news: str = "both"
    many: int = 0
    habits: Habits = field(default_factory=Habits)


@dataclass(frozen=True)
class History:
    """A setting, and what happens in it; `resources` are the ones that take part, none for the first one alone."""

    seed: int
    setting: Setting
    steps: list[Step]
    resources: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        named = {"resources": list(self.resources)} if self.resources else {}
        steps = [step.shown() for step in self.steps]
        return {"seed": self.seed, **named, "setting": asdict(self.setting), "steps": steps}


def read(kept: dict[str, Any]) -> History:
    """Return a history that was kept. Raises KeyError and TypeError for what is none."""
    habits = Habits(**kept["setting"]["habits"])
    setting = Setting(**{**kept["setting"], "habits": habits})
    return History(kept["seed"], setting, [_step(one) for one in kept["steps"]], tuple(kept.get("resources", ())))


def _step(kept: dict[str, Any]) -> Step:
    faults = {int(call): fault for call, fault in kept.get("faults", {}).items()}
    storage = {int(number): fault for number, fault in kept.get("storage", {}).items()}
    during = {int(call): _step(one) for call, one in kept.get("during", {}).items()}
    return Step(**{**kept, "faults": faults, "storage": storage, "during": during})


def make(
    seed: int, count: int, faults: tuple[str, ...] = (*FAULTS, *STORAGE), rate: float | None = None,
    registry: Registry = MappingProxyType({}),
) -> History:  # fmt: skip
    """Return the history of a seed. `rate` is the share of calls that go wrong, None for what the seed says.

    Of several resources in the registry, the seed says which take part.
    """
    random = Random(seed)  # noqa: S311  (a seed is the point)
    setting = _setting(random)
    drawn = random.choice(RATES)
    cast = _cast(random, registry) if len(registry) > 1 else {}
    maker = _Maker(random, setting, faults, drawn if rate is None else rate, cast)
    steps = [maker.first(name) for name in cast for _ in range(FIRST)] if len(cast) > 1 else []
    return History(seed, setting, [*steps, *(maker.step() for _ in range(count))], tuple(cast))


def few(seed: int) -> tuple[tuple[str, ...], float]:
    """Return the faults of a seed that has up to three of them, and how often they come.

    The same fault again and again, where a mixture would let the next call through (A. Groce et al., "Swarm Testing",
    ISSTA 2012). A stream of its own: what else happens is drawn as ever.
    """
    random = Random(f"few {seed}")  # noqa: S311
    return tuple(random.sample((*FAULTS, *STORAGE), random.randint(1, 3))), random.choice(FEW_RATES)


def _cast(random: Random, registry: Registry) -> dict[str, int]:
    """Return the resources that take part, and how often: one and all that it refers to, mostly one with parents."""
    leads = [name for name, one in registry.items() for _ in range(LEADS if one.parents else 1)]
    lead, wanted = random.choice(leads), set[str]()
    for name in reversed(list(registry)):
        wanted |= {name, *registry[name].parents} if name in {lead, *wanted} else set()
    return {name: LEADS if name == lead else 1 for name in registry if name in wanted}


def _setting(random: Random) -> Setting:
    def chance(share: float) -> bool:
        return random.random() < share

    keeps_keys = chance(0.7)
    has_feed = chance(0.9)
    habits = Habits(
        mangles=random.choice(("", "", "", "strip", "upper", "cut")),
        drops=FIELD_DROPPED if chance(0.1) else None,
        keeps_keys=keeps_keys,
        looks_up=not keeps_keys or chance(0.8),
        finds_late=keeps_keys and chance(0.3),
        has_batches=chance(0.7),
        has_feed=has_feed,
        lists_late=chance(0.3),
        coarse=chance(0.3),
        plain_letters=chance(0.3),
        lifetime=random.choice((3600, 3600, 30, None, "soon", 0)),
    )
    news = random.choice(("both", "both", "both", "both", "webhooks", "pulls" if has_feed else "webhooks"))
    return Setting(
        policy=random.choice(("crm_wins", "crm_wins", "local_wins", "latest", "manual")),
        inline=chance(0.5),
        deletes=chance(0.85),
        news=news,
        many=MANY if has_feed and news != "webhooks" and chance(0.08) else 0,
        habits=habits,
    )


class _Maker:
    """Draws steps, one after the other."""

    def __init__(
        self, random: Random, setting: Setting, faults: tuple[str, ...], rate: float, cast: Mapping[str, int]
    ) -> None:
        self._random, self._rate, self._cast = random, rate, cast
        self._calls = tuple(fault for fault in faults if fault in FAULTS)
        self._storage = tuple(fault for fault in faults if fault in STORAGE) if rate else ()
        weights = dict(WEIGHTS)
        if setting.news == "webhooks":  # then nothing else may bring news, and none is lost
            weights |= dict.fromkeys(("pull", "lose", "plan", "roll_back"), 0)
        if setting.news == "pulls":
            weights |= dict.fromkeys(("deliver", "double", "forge", "early"), 0)
        if not rate:
            weights["outage"] = 0
        if len(cast) > 1:
            weights |= dict.fromkeys(("create_here", "create_there"), FIRST * WEIGHTS["create_here"])
        if not setting.many:
            weights["purge_there"] = 0
        self._kinds, self._weights = tuple(weights), tuple(weights.values())

    def first(self, resource: str) -> Step:
        """Return a step that makes a record, on one side or the other."""
        do = self._random.choice(("create_here", "create_there"))
        return Step(do, value=self._value(do), resource=resource)

    def step(self, *, nested: bool = False) -> Step:
        random = self._random
        do = random.choices(self._kinds, self._weights)[0]
        spoiled = {call: random.choice(self._calls) for call in range(5) if self._calls and self._is(self._rate)}
        storage = {random.randrange(4): random.choice(self._storage)} if self._storage and self._is(0.03) else {}
        during = {}
        if not nested and self._is(0.15):
            during = {random.randrange(3): self.step(nested=True)}
        crash = random.randrange(1, 8) if not nested and self._rate and self._is(0.05) else None
        which, value = random.randrange(100), self._value(do)
        return Step(do, which, value, spoiled, storage, during, crash, self._resource(do))

    def _resource(self, do: str) -> str:
        if len(self._cast) <= 1 or do not in ABOUT_ONE:
            return ""
        return self._random.choices(tuple(self._cast), tuple(self._cast.values()))[0]

    def _is(self, share: float) -> bool:
        return self._random.random() < share

    def _value(self, do: str) -> Any:
        random = self._random
        if do in {"create_here", "create_there"}:  # now and then the same unique value twice
            return random.randrange(30) if self._is(0.1) else random.randrange(10**6)
        if do in {"edit_here", "edit_there"}:
            return random.randrange(1000)
        if do == "let_pass":
            return random.choice((0.5, 3, 20, 61, 600, 4000))
        if do == "outage":
            return random.choice((30, 300, 4000))
        if do == "jump":
            return random.choice((-86400, -3600, 3600, 86400))
        return random.choice(("crm", "local")) if do == "resolve" else None
