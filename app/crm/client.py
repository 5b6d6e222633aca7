"""The client: every call to the CRM, with its authentication, pace, retries and the meaning of its answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import requests
import structlog

from app.core.record import Snapshot
from app.core.world import World
from app.crm import answers, batch, dialect
from app.crm.answers import UNAUTHORIZED, read_page, read_snapshot, read_yes
from app.crm.auth import authentication
from app.crm.batch import Result
from app.crm.config import CRMConfig
from app.crm.dialect import Item, Page
from app.crm.errors import Conflict, CRMError, NotAsked, NoToken, NotThere, OutcomeUnknown, Rejected, Unavailable
from app.crm.limits import Breaker, Pace, parse_retry_after
from app.crm.retry import PATIENCE, retrying
from app.crm.transport import FOREVER, BoundedSession

T = TypeVar("T")
log = structlog.get_logger(__name__)
LEAST_PAUSE = 1.0
"""Seconds that the client rests after a 429 that names no time, or none at all."""
NO_BATCHES = 600.0
"""Seconds until a CRM that does not take batches is asked again: it may have learned to."""


class CRMClient:
    """Talks to one CRM. One instance serves all threads of a program.

    Every method raises Unavailable, OutcomeUnknown, Rejected, NotThere or Conflict; none returns a half answer.
    `deadline` is a time on the world's monotonic clock by which a call, its retries included, gives up.
    `pace_file` is where all processes of this machine keep their common pace; None: this process keeps its own.
    """

    def __init__(self, config: CRMConfig, world: World | None = None, pace_file: Path | None = None) -> None:
        self.config = config
        self._world = world or World()
        self.session = BoundedSession(config.base_url, config.timeout, self._world.monotonic)
        self.pace = Pace(self._world, config.rate_limit_per_minute, pace_file)
        self.breaker = Breaker(self._world, trial=config.timeout)
        self._authentication = authentication(self.session, config, self._world)
        self._no_batches_until = 0.0
        self.on_recovery: Callable[[], None] = lambda: None
        self.on_call: Callable[[str, str], None] = lambda _method, _outcome: None

    def create(
        self, path: str, fields: Mapping[str, Any], *, external_id: str, key: str, look_first: bool = False,
        deadline: float | None = None,
    ) -> Snapshot:  # fmt: skip
        """Create a record once, whatever happens to the answers.

        After an outcome that is unknown (`look_first` for one from an earlier push) the record is looked up by
        `external_id` before it is sent again, with the same `key` and the same body.
        """

        def attempt(unsure: bool) -> Snapshot:
            if unsure:
                found = self._find_once(path, external_id, deadline)
                if found is not None:
                    return replace(found, found=True)
            body = dialect.created(fields, external_id)
            answer = self._call("POST", path, json=body, headers={"Idempotency-Key": key}, deadline=deadline)
            return read_snapshot(answer)

        return self._again(attempt, deadline, unsure=look_first)

    def update(
        self, path: str, crm_id: str, fields: Mapping[str, Any], *, version: int | None, key: str,
        deadline: float | None = None,
    ) -> Snapshot:  # fmt: skip
        """Change some fields, provided that the record is still at `version` (None: whatever it is at)."""
        headers = {"Idempotency-Key": key, **dialect.if_match(version)}

        def attempt(_: bool) -> Snapshot:
            target = dialect.record_path(path, crm_id)
            answer = self._call("PATCH", target, json=dict(fields), headers=headers, deadline=deadline)
            return read_snapshot(answer, asked=crm_id)

        return self._again(attempt, deadline)

    def delete(self, path: str, crm_id: str, *, version: int | None, deadline: float | None = None) -> None:
        """Delete a record; one that is gone already is deleted."""
        target = dialect.record_path(path, crm_id)

        def attempt(_: bool) -> None:
            try:
                answer = self._call("DELETE", target, headers=dialect.if_match(version), deadline=deadline)
            except NotThere:
                return
            read_yes(answer, asked=crm_id)

        self._again(attempt, deadline)

    @property
    def batches(self) -> bool:
        """Whether a batch is worth a call: not for a while after the CRM did not know that call, or refused it."""
        return self._world.monotonic() >= self._no_batches_until

    def batch(self, path: str, items: Sequence[Item], *, key: str, deadline: float | None = None) -> list[Result]:
        """Make many writes in one call; return for each, in order, the record or the error of that one write.

        Raises NotThere when the CRM has no such call and Rejected when it refuses the batch as a whole.
        """
        headers, body = {"Idempotency-Key": key}, dialect.batched(items)

        def attempt(unsure: bool) -> list[Result]:
            try:
                answer = self._call("POST", dialect.batch_path(path), json=body, headers=headers, deadline=deadline)
            except (Rejected, Conflict) as error:
                raise self._no_batch(error, unsure) from error
            return batch.read(answer, items, unsure=unsure)

        return self._again(attempt, deadline)

    def _no_batch(self, error: Rejected | Conflict, unsure: bool) -> CRMError:
        # The size, or a value that cannot be written, is only this one's.
        if error.status not in {None, requests.codes.request_entity_too_large}:
            self._no_batches_until = self._world.monotonic() + NO_BATCHES
        if unsure:  # this attempt did nothing, but an earlier one may have
            return OutcomeUnknown(error.message, status=error.status)
        return answers.refused_call(error)

    def get(self, path: str, crm_id: str, *, deadline: float | None = None) -> Snapshot:
        """Fetch one record. Raises NotThere when the CRM does not have it."""
        target = dialect.record_path(path, crm_id)
        return self._again(
            lambda _: read_snapshot(self._call("GET", target, deadline=deadline), asked=crm_id), deadline
        )

    def find(self, path: str, external_id: str, *, deadline: float | None = None) -> Snapshot | None:
        """Look a record up by our id; None when the CRM has none, or cannot be asked this way."""
        return self._again(lambda _: self._find_once(path, external_id, deadline), deadline)

    def list_changed(self, path: str, cursor: str | None, limit: int, *, deadline: float | None = None) -> Page:
        """Fetch one page of what changed since `cursor` (None: from the beginning), tombstones included.

        Raises NotThere when the CRM has no change feed.
        """
        params = dialect.changes_since(cursor, limit)
        try:
            return self._again(lambda _: read_page(self._call("GET", path, params=params, deadline=deadline)), deadline)
        except Rejected as error:
            raise answers.refused_call(error) from error

    def subscribe(self, url: str, secret: str) -> None:
        """Ask the CRM to post signed webhooks to `url`; asking twice changes nothing."""
        body = {"url": url, "secret": secret}
        self._again(lambda _: read_yes(self._call("POST", dialect.WEBHOOKS_PATH, json=body)), None)

    def ping(self, path: str, *, deadline: float | None = None) -> None:
        """Make one cheap call, to see whether the CRM answers and lets us in."""
        self._call("GET", path, params=dialect.changes_since(None, 1), deadline=deadline)

    def _find_once(self, path: str, external_id: str, deadline: float | None) -> Snapshot | None:
        try:
            answer = self._call("GET", path, params=dialect.with_external_id(external_id), deadline=deadline)
        except Rejected:
            return None  # a CRM without this look-up: the Idempotency-Key is what is left
        # A CRM that does not know the parameter lists everything: believe only what names us.
        items = read_page(answer).items
        return next((item for item in items if item.external_id == external_id and not item.deleted), None)

    def _again(self, attempt: Callable[[bool], T], deadline: float | None, *, unsure: bool = False) -> T:
        """Make attempts until one ends well; each is told whether an earlier one may have been done."""

        def once() -> T:
            nonlocal unsure
            try:
                return attempt(unsure)
            except OutcomeUnknown:
                unsure = True
                raise

        try:
            return retrying(self._world, self.config.max_retries, deadline)(once)
        except Unavailable as error:
            if not unsure or isinstance(error, OutcomeUnknown):
                raise
            # The last attempt did nothing, but what an earlier one did is still not known.
            raise OutcomeUnknown(error.message, status=error.status, retry_after=error.retry_after) from error

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
            raise answers.lost(error) from error
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
    return {"X-Request-Id": known} if known else {}
