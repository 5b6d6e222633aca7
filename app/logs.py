"""Structured log lines: readable on the console, JSON in LOG_FILE; ids and names of fields, never their values."""

import logging
import sys
import time
from typing import Any

import structlog
from concurrent_log_handler import ConcurrentRotatingFileHandler
from flask import Flask, Response, g, request
from uuid_utils.compat import uuid4

LARGEST_FILE = 10 * 1024 * 1024
FILES_KEPT = 5
QUIET = ("/healthz", "/readyz", "/metrics")
LONGEST_ID = 128
UUID_LENGTH = 36
log = structlog.get_logger(__name__)

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def configure(level: str, file: str) -> None:
    """Send every log line of this process to the console and, where one is named, to a rotating file."""
    handlers: list[logging.Handler] = [_console()]
    if file:
        handlers.append(_file(file))
    root = logging.getLogger()
    for old in list(root.handlers):
        if getattr(old, "is_ours", False):
            root.removeHandler(old)
            old.acquire()  # closed under a line that another thread is writing, it would never let go of its lock
            old.close()
            old.release()
    for handler in handlers:
        handler.is_ours = True  # type: ignore[attr-defined]
        root.addHandler(handler)
    root.setLevel(level)
    logging.getLogger("alembic").setLevel("WARNING")
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _console() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(_for_people()))
    return handler


def _for_people() -> structlog.dev.ConsoleRenderer:
    # Plain tracebacks: the pretty ones print local variables, secrets and personal data among them.
    colors = sys.stderr.isatty()
    return structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback)


def _file(path: str) -> logging.Handler:
    # Web and worker write the same file: this handler rotates it under a lock.
    handler = ConcurrentRotatingFileHandler(path, "a", LARGEST_FILE, FILES_KEPT)
    handler.setFormatter(_formatter(structlog.processors.JSONRenderer(), structlog.processors.format_exc_info))
    return handler


def _formatter(*renderers: Any) -> logging.Formatter:
    ours = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    *before, last = renderers if len(renderers) == 1 else reversed(renderers)
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_SHARED, processors=[ours, *before, last])


def request_id(given: str) -> str:
    """Return the id that the caller gave, where it fits into a log, or a new one."""
    fits = given.isascii() and given.isprintable() and 0 < len(given) <= LONGEST_ID
    return given if fits else str(uuid4())


def trace_requests(app: Flask) -> None:
    """Give every request an id, carry it through the log and to the CRM, and write one line when it is answered."""

    @app.before_request
    def begin() -> None:
        g.request_id = request_id(request.headers.get("X-Request-Id", ""))
        g.began = time.perf_counter()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers["X-Request-Id"] = g.get("request_id", "")
        if request.path not in QUIET:
            milliseconds = round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1)
            log.info("request", method=request.method, **_address(), status=response.status_code, ms=milliseconds)
        return response

    @app.teardown_request
    def forget(_error: BaseException | None) -> None:
        structlog.contextvars.clear_contextvars()  # the thread goes on to other work


def _address() -> dict[str, str]:
    """Return the route and the id in it: a path or query as it was sent may hold anything, an e-mail address too."""
    route = "none" if request.url_rule is None else request.url_rule.rule
    ids = {name: value for name, value in (request.view_args or {}).items() if len(str(value)) == UUID_LENGTH}
    return {"route": route} | {name: value for name, value in ids.items() if "@" not in value}
