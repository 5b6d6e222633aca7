"""What Prometheus sees: counters that the engine feeds, and gauges that are read when somebody looks.

With PROMETHEUS_MULTIPROC_DIR set, processes keep their counters in that folder, and each shows the sum of them all
(prometheus_client's multiprocess mode).
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector

from app.sync.engine import Engine

LABELS: dict[str, tuple[str, ...]] = {
    "pushes": ("resource", "outcome"),
    "webhooks": ("resource", "outcome"),
    "conflicts": ("resource", "kind"),
    "runs": ("outcome",),
    "crm_calls": ("method", "outcome"),
    "announced": ("resource", "field"),
}
SHARED = "PROMETHEUS_MULTIPROC_DIR"
CIRCUIT = {"closed": 0, "half_open": 1, "open": 2}


class Metrics:
    """The counters of one process, or of all that share a folder, and the state of the sync as the database has it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        """What is looked up at every scrape."""
        self._own = CollectorRegistry()
        self._counters = {
            name: Counter(f"crm_sync_{name}", f"Number of {name.replace('_', ' ')}.", labels, registry=self._own)
            for name, labels in LABELS.items()
        }

    def count(self, name: str, **labels: str) -> None:
        self._counters[name].labels(**labels).inc()

    def exposition(self) -> bytes:
        """Return the Prometheus text format."""
        return generate_latest(self._counted()) + generate_latest(self.registry)

    def _counted(self) -> CollectorRegistry:
        if SHARED not in os.environ:
            return self._own
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody)  # type: ignore[no-untyped-call]
        return everybody


class State:
    """Gauges of the outbox, the inbox and the circuit; one short query each, at every scrape."""

    def __init__(self, engine: Engine, status: Callable[[Engine], dict[str, Any]]) -> None:
        self._engine = engine
        self._status = status

    def collect(self) -> Iterable[GaugeMetricFamily]:
        status = self._status(self._engine)
        circuit = GaugeMetricFamily("crm_sync_circuit", "Circuit to the CRM: 0 closed, 1 half open, 2 open.")
        circuit.add_metric([], CIRCUIT[status["crm"]["circuit"]])
        yield circuit
        records = GaugeMetricFamily("crm_sync_records", "Live records by sync status.", labels=["resource", "status"])
        for name, one in status["resources"].items():
            for state, count in one["records"].items():
                records.add_metric([name, state], count)
        yield records
        for key in ("owed", "oldest_owed_seconds", "parked", "oldest_parked_seconds", "conflicts_open"):
            gauge = GaugeMetricFamily(f"crm_sync_{key}", f"{key.replace('_', ' ').capitalize()}.", labels=["resource"])
            for name, one in status["resources"].items():
                gauge.add_metric([name], one[key])
            yield gauge
