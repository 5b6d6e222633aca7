"""A mail server on a real socket that keeps what it is given."""

import email
import email.policy
from contextlib import contextmanager

from aiosmtpd.controller import Controller

from tests.support.stack import free_port


class Mailbox:
    """What has been delivered; the port is where to deliver it."""

    def __init__(self):
        self.port = free_port()
        self.messages = []

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802  (aiosmtpd's name)
        self.messages.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@contextmanager
def mailbox():
    kept = Mailbox()
    server = Controller(kept, hostname="127.0.0.1", port=kept.port)
    server.start()
    try:
        yield kept
    finally:
        server.stop()
