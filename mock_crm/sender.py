"""Delivers webhooks in the background: in order for each record, many records at once, until it is told to stop."""

import logging
import queue
import sqlite3
import threading
from collections.abc import Callable

import requests

from mock_crm import outbox, signature
from mock_crm.outbox import Delivery
from mock_crm.store import Store

TIMEOUT = 5
"""Seconds that a receiver may take to connect, and to answer."""
TRIES = 12
LONGEST_PAUSE = 60
_WORKERS = 8
_IN_FLIGHT = 64
_SMALL = 65_536

log = logging.getLogger(__name__)


class Sender:
    """One thread looks for what is due, a few others send it.

    They start with the first thing to do, so that they run in the process that serves and not in one that forks it.
    """

    def __init__(self, store: Store, clock: Callable[[], float], first_pause: float) -> None:
        self.sent = 0
        self.failed = 0
        self._store = store
        self._clock = clock
        self._first_pause = first_pause
        self._news = threading.Condition()
        self._is_news = False
        self._stopped = False
        self._busy: set[int] = set()
        self._due: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def wake(self) -> None:
        """Something may be due: look now."""
        with self._news:
            self._is_news = True
            if not self._threads and not self._stopped:
                self._start()
            self._news.notify()

    def stop(self) -> None:
        """Let the deliveries in flight end; whatever waits is sent after the next start."""
        with self._news:
            self._stopped = True
            self._news.notify()
        for _ in self._threads:
            self._due.put(None)
        for thread in self._threads:
            thread.join(TIMEOUT + 1)

    def reset_counts(self) -> None:
        with self._news:
            self.sent = self.failed = 0

    def _start(self) -> None:
        targets = [self._look, *[self._send] * _WORKERS]
        self._threads = [
            threading.Thread(target=each, name=f"webhooks{each.__name__}", daemon=True) for each in targets
        ]
        for thread in self._threads:
            thread.start()

    def _look(self) -> None:
        while not self._stopped:
            try:
                pause = self._hand_out()
            except sqlite3.Error as error:
                log.warning("cannot read the webhooks to send: %s", error)
                pause = 1.0
            with self._news:
                self._news.wait_for(lambda: self._is_news or self._stopped, timeout=pause)
                self._is_news = False

    def _hand_out(self) -> float | None:
        """Give what is due to the threads that send; the seconds until more will be due, if that is known."""
        with self._store.reading() as db:
            now = self._clock()
            found, later = outbox.due(db, now, _IN_FLIGHT)
        with self._news:
            new = [each for each in found if each.id not in self._busy][: _IN_FLIGHT - len(self._busy)]
            self._busy.update(each.id for each in new)
        for each in new:
            self._due.put(each)
        return None if later is None else max(later - now, 0.001)

    def _send(self) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while (delivery := self._due.get()) is not None and not self._stopped:
                self._settle(delivery, *self._post(session, delivery))
                with self._news:
                    self._busy.discard(delivery.id)
                self.wake()

    def _post(self, session: requests.Session, delivery: Delivery) -> tuple[bool, str]:
        """Whether it was taken, and the receiver's status or the error in a word."""
        body = delivery.body.encode()
        headers = signature.headers(delivery.secret, delivery.message_id, self._clock(), body)
        headers |= {"Content-Type": "application/json", "User-Agent": "mock-crm"}
        try:
            with session.post(
                delivery.url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False, stream=True
            ) as answer:
                # Reading a short answer keeps the connection for the next webhook; a long one is not worth it.
                if int(answer.headers.get("Content-Length", _SMALL)) < _SMALL:
                    _ = answer.content
                return 200 <= answer.status_code < 300, str(answer.status_code)  # noqa: PLR2004
        except (requests.RequestException, ValueError) as error:
            return False, type(error).__name__

    def _settle(self, delivery: Delivery, taken: bool, outcome: str) -> None:
        last = delivery.tries + 1 >= TRIES
        try:
            with self._store.writing() as db:
                if taken or last:
                    outbox.finish(db, delivery.id, "sent" if taken else "failed", outcome)
                else:
                    pause = min(self._first_pause * 2**delivery.tries, LONGEST_PAUSE)
                    outbox.postpone(db, delivery.id, self._clock() + pause, outcome)
        except sqlite3.Error as error:
            log.warning("webhook %s: cannot note that it ended with %s: %s", delivery.message_id, outcome, error)
        with self._news:
            self.sent += taken
            self.failed += last and not taken
