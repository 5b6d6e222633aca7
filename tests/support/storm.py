"""Many deliveries a second over real sockets, each sent at its own moment, whether or not the others are answered."""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answered:
    """What became of one delivery: its status (None: no answer), the seconds it took, and when to come again."""

    status: int | None
    seconds: float
    retry_after: str | None = None


def blow(url, deliveries, a_second, patience=60.0):
    """Send each (headers, body) at its moment; return what became of each, in order."""
    return asyncio.run(_blow(urlsplit(url), deliveries, a_second, patience))


async def _blow(url, deliveries, a_second, patience):
    began = time.monotonic()

    async def send(place, headers, body):
        moment = began + place / a_second
        await asyncio.sleep(max(0.0, moment - time.monotonic()))
        begun = time.monotonic()
        try:
            status, again = await asyncio.wait_for(_send(url, headers, body), patience)
        except (OSError, TimeoutError, ValueError, IndexError):
            status, again = None, None
        return Answered(status, time.monotonic() - begun, again)

    return await asyncio.gather(*(send(place, *one) for place, one in enumerate(deliveries)))


async def _send(url, headers, body):
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        lines = [
            f"POST {url.path} HTTP/1.1",
            f"Host: {url.netloc}",
            f"Content-Length: {len(body)}",
            "Connection: close",
        ]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode() + body)
        first, *lines = (await reader.read()).partition(b"\r\n\r\n")[0].decode().split("\r\n")
        said = dict(line.lower().split(": ", 1) for line in lines)
        return int(first.split(" ", 2)[1]), said.get("retry-after")
    finally:
        writer.close()
