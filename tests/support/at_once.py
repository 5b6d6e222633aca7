"""Many callers of the service in one moment."""

import threading
from concurrent.futures import ThreadPoolExecutor


def at_once(app, count, call):
    """Run `call(client, number)` in `count` threads that start together; return what they return."""
    start = threading.Barrier(count)

    def run(number):
        own = app.test_client()
        start.wait()
        return call(own, number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
