"""Nobody has a session here: every request says who it is. Flask would look for a cookie in each."""

from typing import Any

from flask.sessions import NullSession, SessionInterface


class NoSessions(SessionInterface):
    """A session that is always empty, and fails whoever writes to it."""

    def open_session(self, *_: Any) -> NullSession:
        return NullSession()

    def save_session(self, *_: Any) -> None:
        """Keep nothing."""
