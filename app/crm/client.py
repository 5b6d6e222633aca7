"""The client: every call to the CRM, with its authentication, pace, retries and the meaning of its answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import requests

from app.core.record import Snapshot
from app.core.world import World
from app.crm import answers, batch, dialect, endpoints
from app.crm.answers import read_listed, read_page, read_snapshot, read_yes
from app.crm.batch import Result
from app.crm.calls import Calls
from app.crm.config import CRMConfig
from app.crm.dialect import Item, Listed, Page
from app.crm.errors import Conflict, NotThere, Rejected
from app.crm.health import Health, health
from app.crm.retry import full_jitter

T = TypeVar("T")
NO_BATCHES = 600.0
"""Seconds until a CRM that does not take batches is asked again: it may have learned to."""
REFUSALS = 5
"""How often in a row, with growing pauses, a CRM refuses a call that it is taken not to have: some trip twice."""


class CRMClient(Calls):
    """Talks to one CRM. One instance serves all threads of a program.

    The endpoints (`users`, `projects`, …) are for programs, and speak in typed records; the methods below them are for
    the engine, and speak in paths and fields. Every method raises Unavailable, OutcomeUnknown, Rejected, NotThere or
    Conflict; none returns a half answer.
    `deadline` is a time on the world's monotonic clock by which a call, its retries included, gives up.
    `pace_file` is where all processes of this machine keep their common pace; None: this process keeps its own.
    """

    def __init__(self, config: CRMConfig, world: World | None = None, pace_file: Path | None = None) -> None:
        super().__init__(config, world, pace_file)
        self._no_batches_until = 0.0
        self._has_batches = self._looks_up = True
        self.users = endpoints.Users(self)
        self.contacts = endpoints.Contacts(self)
        self.clients = endpoints.Clients(self)
        self.interactions = endpoints.Interactions(self)
        self.projects = endpoints.Projects(self)
        self.tasks = endpoints.Tasks(self)
        self.comments = endpoints.Comments(self)
        self.calendar_events = endpoints.CalendarEvents(self)

    def health_check(self) -> Health:
        """Return whether the CRM answers and lets us in, after one call. Never raises for the CRM's sake."""
        return health(self._world, lambda: self.ping(self.users.path))

    def create(
        self, path: str, fields: Mapping[str, Any], *, external_id: str | None, key: str, look_first: bool = False,
        deadline: float | None = None,
    ) -> Snapshot:  # fmt: skip
        """Create a record once, whatever happens to the answers.

        After an outcome that is unknown (`look_first` for one from an earlier push) the record is looked up by
        `external_id` before it is sent again, with the same `key` and the same body. Without one the key is all
        that keeps a second record from being made.
        """

        def attempt(unsure: bool) -> Snapshot:
            if unsure and external_id is not None:
                found = self._find_once(path, external_id, deadline)
                if found is not None:
                    return replace(found, found=True)
            body = dialect.created(fields, external_id)
            answer = self._call("POST", path, json=body, headers={"Idempotency-Key": key}, deadline=deadline)
            return read_snapshot(answer)

        return self._again(attempt, deadline, unsure=look_first, believed=())

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

        return self._again(attempt, deadline, believed=(NotThere,))

    def delete(self, path: str, crm_id: str, *, version: int | None, deadline: float | None = None) -> None:
        """Delete a record; one that is gone already is deleted."""
        target = dialect.record_path(path, crm_id)

        def attempt(_: bool) -> None:
            try:
                answer = self._call("DELETE", target, headers=dialect.if_match(version), deadline=deadline)
            except NotThere:
                return
            read_yes(answer, asked=crm_id)

        self._again(attempt, deadline, believed=())

    @property
    def batches(self) -> bool:
        """Whether a batch is worth a call: not for a while after the CRM did not know that call, or refused it."""
        return self._world.monotonic() >= self._no_batches_until

    def batch(
        self, path: str, items: Sequence[Item], *, key: str, insist: bool = False, deadline: float | None = None
    ) -> list[Result]:
        """Make many writes in one call; return for each, in order, the record or the error of that one write.

        Raises NotThere when the CRM has no such call and Rejected when it refuses the batch as a whole; with `insist`
        only when it does so again and again.
        """
        headers, body = {"Idempotency-Key": key}, dialect.batched(items)

        def attempt(unsure: bool) -> list[Result]:
            try:
                answer = self._call("POST", dialect.batch_path(path), json=body, headers=headers, deadline=deadline)
            except (Rejected, Conflict) as error:
                raise self._no_batch(error) from error
            return batch.read(answer, items, unsure=unsure)

        def call() -> list[Result]:
            return self._again(attempt, deadline, believed=())

        if not insist:
            return call()
        try:
            results = self._insisting(call, self._has_batches, deadline)
        except Rejected:
            self._has_batches = False
            raise
        self._has_batches = True
        return results

    def _no_batch(self, error: Rejected | Conflict) -> Rejected:
        # The size, or a value that cannot be written, is only this one's.
        if error.status not in {None, requests.codes.request_entity_too_large}:
            self._no_batches_until = self._world.monotonic() + NO_BATCHES
        return answers.refused_call(error)

    def get(self, path: str, crm_id: str, *, deadline: float | None = None) -> Snapshot:
        """Fetch one record. Raises NotThere when the CRM does not have it."""
        target = dialect.record_path(path, crm_id)
        return self._again(
            lambda _: read_snapshot(self._call("GET", target, deadline=deadline), asked=crm_id), deadline
        )

    def find(self, path: str, external_id: str, *, deadline: float | None = None) -> Snapshot | None:
        """Look a record up by our id; None when the CRM has none, or cannot be asked this way.

        Raises OutcomeUnknown when it refused to say, and there was no time to find out whether it only tripped.
        """
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

    def listed(self, path: str, params: Mapping[str, str], *, deadline: float | None = None) -> Listed:
        """Fetch one page, by its number, of the records that fit the filters among `params`."""

        def attempt(_: bool) -> Listed:
            return read_listed(self._call("GET", path, params=dict(params), deadline=deadline))

        return self._again(attempt, deadline)

    def count(self, path: str) -> int | None:
        """Return how many records there are, with one short call; None when the CRM does not say."""
        return self.listed(path, dialect.page_number(1, 1)).total

    def act(
        self, path: str, crm_id: str, action: str, body: Mapping[str, Any], *, key: str, deadline: float | None = None
    ) -> Snapshot:
        """Do to a record what has a call of its own, and return the record."""
        target, headers = f"{dialect.record_path(path, crm_id)}/{action}", {"Idempotency-Key": key}

        def attempt(_: bool) -> Snapshot:
            answer = self._call("PATCH", target, json=dict(body), headers=headers, deadline=deadline)
            return read_snapshot(answer, asked=crm_id)

        return self._again(attempt, deadline, believed=(NotThere,))

    def subscribe(self, url: str, secret: str) -> None:
        """Ask the CRM to post signed webhooks to `url`; asking twice changes nothing."""
        body = {"url": url, "secret": secret}
        self._again(lambda _: read_yes(self._call("POST", dialect.WEBHOOKS_PATH, json=body)), None)

    def ping(self, path: str, *, deadline: float | None = None) -> None:
        """Make one cheap call, to see whether the CRM answers and lets us in."""
        self._call("GET", path, params=dialect.changes_since(None, 1), deadline=deadline)

    def _find_once(self, path: str, external_id: str, deadline: float | None) -> Snapshot | None:
        params = dialect.with_external_id(external_id)
        try:
            answer = self._insisting(
                lambda: self._call("GET", path, params=params, deadline=deadline), self._looks_up, deadline
            )
        except Rejected:
            self._looks_up = False
            return None  # the Idempotency-Key is what is left
        self._looks_up = True
        # A CRM that does not know the parameter lists everything: believe only what names us.
        items = read_page(answer).items
        return next((item for item in items if item.external_id == external_id and not item.deleted), None)

    def _insisting(self, call: Callable[[], T], may_have: bool, deadline: float | None) -> T:
        """Make a call that the CRM may not have. Raises Rejected only when it has not, and did not just trip."""
        refusals = 0
        while True:
            try:
                return call()
            except Rejected as error:
                refusals += 1
                if error.status in answers.NO_SUCH_CALL or not may_have or refusals == REFUSALS:
                    raise
                pause = full_jitter(self._world, refusals)
                if self._left(deadline) <= pause:
                    raise answers.not_known(error) from error
                self._world.sleep(pause)
