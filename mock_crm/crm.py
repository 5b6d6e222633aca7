"""Holds the parts of one CRM, and finds them for the call that runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from flask import current_app

from mock_crm import outbox, times
from mock_crm.faults import Faults
from mock_crm.limit import Limit
from mock_crm.sender import Sender
from mock_crm.settings import Settings
from mock_crm.stats import Stats
from mock_crm.store import Store
from mock_crm.tokens import Tokens
from mock_crm.writing import Writing


@dataclass(frozen=True)
class Crm:
    settings: Settings
    store: Store
    tokens: Tokens
    limit: Limit
    stats: Stats
    faults: Faults
    sender: Sender

    @property
    def now(self) -> str:
        return times.stamp(self.settings.clock())

    @contextmanager
    def writing(self) -> Iterator[Writing]:
        """One transaction: the records and the webhooks that tell of them are stored together or not at all."""
        with self.store.writing() as db:
            work = Writing(db, self.now, self.faults.mangle)
            yield work
            subscribed = outbox.subscriptions(db) if work.changes else []
            if subscribed:
                self._announce(work, subscribed)
        if subscribed:
            self.sender.wake()

    def _announce(self, work: Writing, subscribed: list[dict[str, object]]) -> None:
        for change in work.changes:
            posting, full_lane = self.faults.posting(change)
            outbox.add(work.db, subscribed, posting, self.settings.clock())
            if full_lane:
                outbox.release_held(work.db, full_lane)

    def resume(self) -> None:
        """After a start: go on with the webhooks that the last run left."""
        with self.store.writing() as db:
            outbox.tidy(db, self.settings.clock())
            waiting = outbox.waiting(db)
        if waiting:
            self.sender.wake()

    def heal(self) -> int:
        """End every fault and let go of the webhooks that one held; how many faults there were."""
        healed = self.faults.heal()
        with self.store.writing() as db:
            outbox.release_held(db)
        self.sender.wake()
        return healed

    def stop(self) -> None:
        """End the threads and close the database, so that a test ends cleanly."""
        self.faults.heal()
        self.sender.stop()
        self.store.close()


def current() -> Crm:
    return cast("Crm", current_app.extensions["mock_crm"])
