"""A fuzzer that reads the OpenAPI document and plays it against the service; counts what it did and what was wrong."""

import threading
from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, field

import schemathesis
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema

from app.http.openapi_examples import ZONES
from tests.support.contract_explained import explained

WAIT, STEPS = 60, 12
LONG = f"{'x' * 60}@{'y' * 60}.{'y' * 60}.{'y' * 60}"
EMAILS = ["josé@example.com", "o'neil@example.com", *(f"user{number}@example.com" for number in range(20))]
EMAILS += [f"{LONG}.{'z' * (254 - len(LONG) - 1 - less)}"[:-4] + ".com" for less in (0, 1)]
PHONES = ["", "123-456-7890", "202" + " " * 20 + "555-0142", "202" + " " * 21 + "555-0142", "+1 (202) 555-0143 ext. 5"]
"""Made up, of a kind that the service takes, up to the longest: formats cannot say all of it. Few, so that they clash."""
schemathesis.openapi.format("idn-email", st.sampled_from(EMAILS))
schemathesis.openapi.format("phone-number", st.sampled_from(PHONES))
schemathesis.openapi.format("iana-time-zone", st.sampled_from(ZONES))


@dataclass
class Played:
    """What was sent and what came back; `wrong` says what no rule explains, with the call that shows it."""

    statuses: Counter = field(default_factory=Counter)
    operations: set = field(default_factory=set)
    wrong: dict = field(default_factory=dict)

    @property
    def calls(self):
        return self.statuses.total()

    @property
    def broken(self):
        return sum(count for status, count in self.statuses.items() if status >= 500)

    def __str__(self):
        return f"{self.calls} calls of {len(self.operations)} operations, {self.broken} of them answered 5xx"


class Watched:
    """Counts what the service answers, whoever asks; `change` may sign what is asked."""

    def __init__(self, played, wsgi, change):
        self.played, self.wsgi, self.change = played, wsgi, change

    def __call__(self, environ, start_response):
        if self.change is not None:
            self.change(environ)

        def start(status, *more):
            self.played.statuses[int(status[:3])] += 1
            return start_response(status, *more)

        return self.wsgi(environ, start)


@schemathesis.check
def status_is_named(_ctx, response, case):
    """`default` stands for what every address does, 405 and OPTIONS; its operation names every other status."""
    named = {str(status) for status in case.operation.responses.status_codes}
    other_method = response.request.method != case.operation.method.upper()
    every_address = response.status_code == 405 or response.request.method == "OPTIONS"
    known = str(response.status_code) in named or (every_address and other_method)
    assert known, f"{case.operation.label} answered {response.status_code}, which the document does not name"


def play(app, document, *, seed, played=None, only=(), change=None, **more):
    """Play the document once, or some of its operations. `change` sees what WSGI hands over; `more` is about the fuzzer."""
    played = Played() if played is None else played
    schema = schemathesis.openapi.from_dict(document, config=_config(seed, **more))
    schema.app = app
    schema.hook(filter_failure)
    schema = schema.include(operation_id=list(only)) if only else schema
    served, app.wsgi_app = app.wsgi_app, Watched(played, app.wsgi_app, change)
    try:
        for event in from_schema(schema).execute():
            _note(played, event)
    finally:
        app.wsgi_app = served
        _let_runs_end()
    return played


def unsigned(document):
    """Return the document for a caller who does not sign: half a signature is a claim, and is refused."""
    copy = deepcopy(document)
    post = copy["paths"]["/webhook"]["post"]
    post["parameters"] = [one for one in post["parameters"] if "Webhook" not in one["$ref"]]
    return copy


def filter_failure(_context, failure, case, response):
    return not explained(failure, case, response)


def _config(seed, *, examples, scenarios, coverage=True, always=False, refused=(), headers=None):
    """Return the settings: how many cases of each operation, how many scenarios along the links."""
    state = ["404", "409", "412", "422", *refused]
    return SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "cache": {"enabled": False},
            "suppress-health-check": ["all"],
            "workers": 1,
            "continue-on-failure": True,
            "generation": {
                "max-examples": examples,
                "deterministic": always,
                "database": "none",
                "no-shrink": True,
                "allow-x00": False,  # the document says of every body that it holds none
                "with-security-parameters": False,
            },
            "checks": {
                "positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", *state]},
                "ignored_auth": {"enabled": False},  # its probes do not work over WSGI; see TestProduction
                "negative_data_rejection": {"expected-statuses": ["400", "405", "415", *state]},
            },
            "phases": {
                "coverage": {"enabled": coverage},
                "stateful": {"enabled": scenarios > 0, "max-steps": STEPS, "generation": {"max-examples": scenarios}},
            },
            "headers": headers or {},
        }
    )


def _note(played, event):
    if isinstance(event, events.FatalError):
        raise event.exception
    if isinstance(event, events.NonFatalError):
        played.wrong[f"{event.label}: {event.info.message}"] = event.info.format()
    if isinstance(event, events.ScenarioFinished):
        for node in event.recorder.cases.values():
            played.operations.add(node.value.operation.label)
        for case, checks in event.recorder.checks.items():
            answer = event.recorder.interactions[case].response.content[:500]
            for check in checks:
                if check.status == Status.FAILURE:
                    found = check.failure_info
                    said = f"{check.name}: {found.failure.operation}: {found.failure.message[:300]}"
                    played.wrong.setdefault(said, f"{found.code_sample}\n{answer}")


def _let_runs_end():
    """Wait for the runs that were begun with `Prefer: respond-async`."""
    for thread in threading.enumerate():
        if thread.name.startswith("run-"):
            thread.join(WAIT)
