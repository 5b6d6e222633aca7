"""How one call to the CRM is made: with authentication, pace, breaker, retries and the meaning of its answer."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import requests
import structlog

from app.core.world import World
from app.crm import answers
from app.crm.answers import UNAUTHORIZED
from app.crm.auth import authentication
from app.crm.config import CRMConfig
from app.crm.errors import NotAsked, NoToken, OutcomeUnknown, Rejected, Unavailable
from app.crm.limits import Breaker, Pace, parse_retry_after
from app.crm.retry import PATIENCE, retrying
from app.crm.transport import FOREVER, BoundedSession

T = TypeVar("T")
log = structlog.get_logger(__name__)
LEAST_PAUSE = 1.0
"""Seconds that the client rests after a 429 that names no time, or none at all."""


class Calls:
    """Makes the calls of one client; what they are for is said by CRMClient."""

    def __init__(self, config: CRMConfig, world: World | None = None, pace_file: Path | None = None) -> None:
        self.config = config
        self._world = world or World()
        self.session = BoundedSession(config.base_url, config.timeout, self._world.monotonic)
        self.pace = Pace(self._world, config.rate_limit_per_minute, pace_file)
        self.breaker = Breaker(self._world, trial=config.timeout)
        self._authentication = authentication(self.session, config, self._world)
        self.on_recovery: Callable[[], None] = lambda: None
        self.on_call: Callable[[str, str], None] = lambda _method, _outcome: None

    def new_key(self) -> str:
        """Return an Idempotency-Key for one intent."""
        return self._world.new_id()

    def _again(
        self, attempt: Callable[[bool], T], deadline: float | None, *, unsure: bool = False,
        believed: tuple[type[Rejected], ...] = (Rejected,),
    ) -> T:  # fmt: skip
        """Make attempts until one ends well; each is told whether an earlier one may have been done.

        A refusal says nothing of an attempt before it that may have been done: only of a kind in `believed` does it
        settle that too, any other is an OutcomeUnknown then. What the caller knew to be `unsure` it settles itself.
        """
        is_repeated = False

        def once() -> T:
            nonlocal unsure, is_repeated
            try:
                return attempt(unsure)
            except OutcomeUnknown:
                unsure = is_repeated = True
                raise
            except Rejected as error:
                if not is_repeated or isinstance(error, believed):
                    raise
                raise answers.not_known(error) from error

        try:
            return retrying(self._world, self.config.max_retries, deadline)(once)
        except Unavailable as error:
            if not unsure or isinstance(error, OutcomeUnknown):
                raise
            # The last attempt did nothing, but what an earlier one did is still not known.
            raise OutcomeUnknown(
                error.message, status=error.status, retry_after=error.retry_after, request_id=error.request_id
            ) from error

    def _call(self, method: str, path: str, *, deadline: float | None = None, **request: Any) -> requests.Response:
        """Make one call, once more with a new token after a 401. Returns only answers that say yes."""
        answer = self._send(method, path, deadline, request)
        if answer.status_code == UNAUTHORIZED and self._authentication.refused(dict(answer.request.headers)):
            self.on_call(method, str(UNAUTHORIZED))
            answer = self._send(method, path, deadline, request)
        retry_after = parse_retry_after(answer.headers.get("Retry-After"), self._world.now())
        self._note(method, answer, retry_after)
        if answer.status_code >= requests.codes.multiple_choices:
            raise answers.refusal(answer, retry_after)
        return answer

    def _send(self, method: str, path: str, deadline: float | None, request: dict[str, Any]) -> requests.Response:
        patience = min(PATIENCE, self._left(deadline))
        self.breaker.check()
        self.pace.take_turn(patience)
        headers = {**request.get("headers", {}), **_request_id()}
        budget = self._left(deadline)
        try:
            with self.session.within(budget):  # the token and the call together
                headers |= self._authentication.headers()
                return self.session.request(method, self.config.base_url + path, **{**request, "headers": headers})
        except requests.RequestException as error:
            self._failed(method, "no_answer")
            raise answers.lost(error, headers.get(answers.REQUEST_ID)) from error
        except NoToken:
            self.on_call(method, "no_token")  # that one failure counts where it happened
            raise
        except Unavailable as error:
            self._no_token(method, error)
            raise

    def _left(self, deadline: float | None) -> float:
        """Return the seconds left. Raises NotAsked when there are none."""
        left = FOREVER if deadline is None else deadline - self._world.monotonic()
        if left <= 0:
            raise NotAsked("There is no time left to ask the CRM.")
        return left

    def _note(self, method: str, answer: requests.Response, retry_after: float | None) -> None:
        self.pace.heard(answer.headers)
        if answer.status_code == requests.codes.too_many_requests:
            self.pace.pause(retry_after or LEAST_PAUSE)
        if answers.is_outage(answer.status_code):
            self._failed(method, str(answer.status_code))
            return
        self.on_call(method, str(answer.status_code))
        if self.breaker.succeeded():
            log.info("crm_is_back")
            self.on_recovery()

    def _no_token(self, method: str, error: Unavailable) -> None:
        if error.status == requests.codes.too_many_requests:
            self.pace.pause(error.retry_after or LEAST_PAUSE)
        self._failed(method, "no_token")

    def _failed(self, method: str, outcome: str) -> None:
        self.on_call(method, outcome)
        self.breaker.failed()


def _request_id() -> dict[str, str]:
    known = structlog.contextvars.get_contextvars().get("request_id")
    return {answers.REQUEST_ID: known} if known else {}
