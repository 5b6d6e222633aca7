"""A requests session whose calls are bounded: in time to the last byte, in size, and to the one address asked.

The timeouts of requests bound a single read from the socket, so a server that drips bytes holds a caller for ever.
Here the sockets themselves know when the call must be over.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3 import PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context

MAX_ANSWER = 32 * 1024 * 1024
"""Bytes; a page of 1,000 records is about half of one megabyte."""
POOL_SIZE = 32
CHUNK = 64 * 1024
FOREVER = float("inf")

_call = threading.local()


class TooLarge(requests.RequestException):
    """The answer is larger than anything we asked for."""


def _remaining() -> float:
    remaining: float = getattr(_call, "deadline", FOREVER) - time.monotonic()
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

    def send(self, *args: Any, **kwargs: Any) -> int:  # sendall of an SSLSocket is a loop of these
        self.settimeout(_remaining())
        return super().send(*args, **kwargs)


def _connect(line: HTTPConnection) -> socket.socket:
    """Connect to the first address that answers, with what is left of the call's time shared among them.

    urllib3 would give each address the whole of it.
    """
    try:
        addresses = socket.getaddrinfo(line.host.strip("[]"), line.port, 0, socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise NameResolutionError(line.host, line, error) from error
    problem: OSError = OSError("The name has no address.")
    for place, (family, _, protocol, _, address) in enumerate(addresses):
        try:
            return _connected(line, family, protocol, address, len(addresses) - place)
        except OSError as error:
            problem = error
    if isinstance(problem, TimeoutError):
        raise ConnectTimeoutError(line, "The connection took longer than it may.") from problem
    raise NewConnectionError(line, "The connection was not accepted.") from problem


def _connected(line: HTTPConnection, family: int, protocol: int, address: Any, share: int) -> socket.socket:
    made = _DeadlineSocket(family, socket.SOCK_STREAM, protocol)
    try:
        for option in line.socket_options or ():
            made.setsockopt(*option)
        made.settimeout(_remaining() / share)
        made.connect(address)
        made.settimeout(_remaining())  # for the TLS handshake, which is bounded by this as a whole
    except OSError:
        made.close()
        raise
    return made


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _HTTPSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _HTTPSPool(HTTPSConnectionPool):
    ConnectionCls = _HTTPSConnection


_POOLS = {"http": _Pool, "https": _HTTPSPool}


def _ssl_context() -> ssl.SSLContext:
    context = create_urllib3_context()
    context.sslsocket_class = _DeadlineSSLSocket
    return context


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        self.poolmanager = PoolManager(
            num_pools=connections, maxsize=maxsize, block=block, ssl_context=_ssl_context(), **kwargs
        )
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, ssl_context=_ssl_context(), **kwargs)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class BoundedSession(requests.Session):
    """Sends requests to one CRM; anything that uses it (authlib too) is bounded by `timeout` seconds in total."""

    def __init__(self, base_url: str, timeout: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.timeout = timeout
        self._monotonic = monotonic
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
        """Send and read the whole answer. Raises requests.RequestException; ConnectTimeout when nothing was sent."""
        timeout = self.remaining()
        if timeout <= 0:
            raise requests.ConnectTimeout("No time is left for this call.", request=request)
        _call.deadline = time.monotonic() + timeout
        kwargs |= {"stream": True, "allow_redirects": False, "timeout": timeout}
        try:
            response = super().send(request, **kwargs)
            # Response has no public way to hand in a body that was read under limits.
            response._content = _read(response)  # noqa: SLF001
        except requests.RequestException:
            raise
        except (OSError, HTTPError, HTTPException, UnicodeError) as error:
            raise requests.ConnectionError(error, request=request) from error
        finally:
            _call.deadline = FOREVER
        return response

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002
        """Lead nowhere: requests looks at a redirect even when told not to follow, and reads its body unbounded."""
        return

    @contextmanager
    def within(self, budget: float) -> Iterator[None]:
        """Bound all that this thread sends inside to `budget` seconds, at most the session's timeout, together."""
        _call.until = self._monotonic() + min(self.timeout, budget)
        try:
            yield
        finally:
            _call.until = FOREVER

    def remaining(self) -> float:
        """Return the seconds left to this thread's call."""
        left: float = getattr(_call, "until", FOREVER) - self._monotonic()
        return min(self.timeout, left)


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
