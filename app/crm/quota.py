"""How many calls the CRM still takes in its present window: what it said, less what is under way. Times are monotonic.

An answer counts the calls that reached the CRM before it. Which of those still under way did is not known, so each of
them costs one until its own answer is here. Nothing is lost by that: the last one to be answered knows it exactly.
"""

from dataclasses import dataclass, field
from typing import Self

from app.crm.notices import News

SAME = 1.5
"""Seconds by which two answers may differ on the end of one window: they say it in whole seconds."""
MARGIN = 1.0
"""Seconds to wait beyond a window's end, at most a fifth of the window: some CRMs round down."""
LONGEST_CALL = 60.0
"""Seconds after which a call is not under way any more, whatever became of it."""
MOST_UNDER_WAY = 256
LOOK_AGAIN = 1.0
NUMBERS = 6
"""How many numbers hold all but the calls under way."""
_UNKNOWN = -1.0


@dataclass
class Quota:
    """The window: `remaining` calls are left of `limit`; None where the CRM has not said.

    It ends at `end` or, as answers were under way for a while, a little before that, at `soonest`.
    `since` is when we first knew of the window and `span` the longest time to a reset that was heard.
    A window that is younger than its end (`end < since`) is one that we presume: nothing was heard in it yet.
    """

    limit: int | None = None
    remaining: int | None = None
    soonest: float = 0.0
    end: float = 0.0
    since: float = 0.0
    span: float = 0.0
    under_way: list[float] = field(default_factory=list)
    """When each call that is not answered yet took its turn."""

    def left(self, now: float) -> int | None:
        """Return how many more calls the CRM takes for sure; None when nothing is known."""
        known = self._next_remaining() if self._is_over(now) else self.remaining
        return None if known is None else max(0, known - len(self.under_way))

    def opens(self, now: float) -> float:
        """Return from when on a call may be made: `now`, or the end of the window if nothing is left of it."""
        if self.left(now) != 0:
            return now
        closes = self._closes()
        return closes if closes > now else now + LOOK_AGAIN

    def resets_in(self, now: float) -> float | None:
        """Return the seconds to the end of the window; None when no answer has told."""
        return self.end - now if self.remaining is not None and now < self.end else None

    def spend(self, now: float) -> None:
        """Note that a call is made now."""
        if self.remaining is not None and self._is_over(now):
            self.remaining, self.since = self._next_remaining(), now
        self.under_way.append(now)

    def answered(self, turn: float | None, now: float, news: News | None) -> None:
        """Note the end of the call that took its turn at `turn` (None: a call without one), and what its answer said.

        Without news the call is taken for counted: what is lost on the line mostly got there.
        """
        if turn in self.under_way:
            self.under_way.remove(turn)
            if news is None and self.remaining is not None:
                self.remaining = max(0, self.remaining - 1)
        if news is not None:
            self._learn(news, now if turn is None else turn, now)

    def tidy(self, now: float) -> None:
        """Forget calls of which nothing will be heard any more, as those of a process that was killed."""
        if self.under_way and (self.under_way[0] <= now - LONGEST_CALL or len(self.under_way) > MOST_UNDER_WAY):
            recent = [turn for turn in self.under_way if turn > now - LONGEST_CALL]
            self.under_way = recent[-MOST_UNDER_WAY:]

    def _learn(self, news: News, sent: float, now: float) -> None:
        """Take in an answer: the CRM wrote it at some time between `sent` and `now`."""
        early, late = sent + news.resets_in, now + news.resets_in
        is_other = late < self.soonest - SAME or self._is_presumed()
        if self.remaining is None or early > self.end + SAME or (is_other and sent >= self.since):
            self.remaining, self.soonest, self.end, self.since = news.remaining, early, late, now
        elif is_other:
            return  # it was sent in the window before
        else:
            self.remaining = min(self.remaining, news.remaining)
            self.soonest, self.end = max(self.soonest, early), min(self.end, late)
        self.limit, self.span = news.limit or self.limit, max(self.span, news.resets_in)

    def _is_presumed(self) -> bool:
        return self.end < self.since

    def _closes(self) -> float:
        end = self.since + self.span if self._is_presumed() else self.end
        return end + (min(MARGIN, self.span / 5) if self.span >= 1 else MARGIN)

    def _is_over(self, now: float) -> bool:
        return self.remaining is not None and now >= self._closes()

    def _next_remaining(self) -> int | None:
        """Return what the next window begins with. After a whole one without news we do not go on guessing."""
        return None if self._is_presumed() else self.limit

    def numbers(self) -> tuple[float, ...]:
        """Return all of it as numbers, for a file."""
        limit = _UNKNOWN if self.limit is None else self.limit
        remaining = _UNKNOWN if self.remaining is None else self.remaining
        return (limit, remaining, self.soonest, self.end, self.since, self.span, *self.under_way)

    @classmethod
    def of(cls, numbers: tuple[float, ...]) -> Self:
        limit, remaining, soonest, end, since, span = numbers[:NUMBERS]
        return cls(
            limit=None if limit == _UNKNOWN else int(limit),
            remaining=None if remaining == _UNKNOWN else int(remaining),
            soonest=soonest,
            end=end,
            since=since,
            span=span,
            under_way=list(numbers[NUMBERS:]),
        )
