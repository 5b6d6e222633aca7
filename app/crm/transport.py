"""A requests session whose calls are bounded: in time to the last byte, in size, and to the one address asked.

The timeouts of requests bound a single read from the socket, so a server that drips bytes holds a caller for ever.
Here the sockets themselves know when the call must be over.
"""

import socket
import ssl
import threading
import time
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.util.ssl_ import create_urllib3_context

MAX_ANSWER = 32 * 1024 * 1024
"""Bytes; a page of 1,000 records is about half of one megabyte."""
POOL_SIZE = 32
CHUNK = 64 * 1024

_call = threading.local()


class TooLarge(requests.RequestException):
    """The answer is larger than anything we asked for."""


def _remaining() -> float:
    remaining: float = getattr(_call, "deadline", float("inf")) - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("The call took longer than it may.")
    return min(remaining, 3600.0)


class _DeadlineSocket(socket.socket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_remaining())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(_remaining())
        super().sendall(*args, **kwargs)


class _DeadlineSSLSocket(ssl.SSLSocket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_remaining())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(_remaining())
        super().sendall(*args, **kwargs)


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        plain = super()._new_conn()
        timeout = plain.gettimeout()
        bounded = _DeadlineSocket(fileno=plain.detach())
        bounded.settimeout(timeout)
        return bounded


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        context = create_urllib3_context()
        context.sslsocket_class = _DeadlineSSLSocket
        self.poolmanager = PoolManager(
            num_pools=connections, maxsize=maxsize, block=block, ssl_context=context, **kwargs
        )
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _HTTPSPool}


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = HTTPSConnection


class BoundedSession(requests.Session):
    """Sends requests to one CRM; anything that uses it (authlib too) is bounded by `timeout` seconds in total."""

    def __init__(self, base_url: str, timeout: float) -> None:
        super().__init__()
        self.timeout = timeout
        self._read_environment(base_url)
        self.cookies.set_policy(_NoCookies())
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(max_retries=0, pool_maxsize=POOL_SIZE))

    def _read_environment(self, base_url: str) -> None:
        # Once, not at every call; and without ~/.netrc, which would replace our Authorization header.
        found = self.merge_environment_settings(base_url, {}, None, None, None)
        self.proxies, self.verify = found["proxies"], found["verify"] or True
        self.trust_env = False

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send and read the whole answer. Raises requests.RequestException, TooLarge among them."""
        timeout = min(self.timeout, getattr(_call, "budget", self.timeout))
        _call.deadline = time.monotonic() + timeout
        kwargs |= {"stream": True, "allow_redirects": False, "timeout": timeout}
        try:
            response = super().send(request, **kwargs)
            # Response has no public way to hand in a body that was read under limits.
            response._content = _read(response)  # noqa: SLF001
        except (TimeoutError, OSError) as error:
            if isinstance(error, requests.RequestException):
                raise
            raise requests.ConnectionError(error, request=request) from error
        finally:
            _call.deadline = float("inf")
        return response

    def within(self, budget: float | None) -> None:
        """Bound this thread's next calls to `budget` seconds each, or only to the session's own timeout."""
        _call.budget = self.timeout if budget is None else budget


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    with response:
        for chunk in response.iter_content(CHUNK):
            body += chunk
            if len(body) > MAX_ANSWER:
                raise TooLarge(f"The answer is larger than {MAX_ANSWER} bytes.", response=response)
    return bytes(body)


class _NoCookies(requests.cookies.cookielib.DefaultCookiePolicy):  # type: ignore[name-defined,misc]
    def set_ok(self, *_: Any) -> bool:
        return False
