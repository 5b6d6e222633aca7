"""What the service answers to calls made from its own OpenAPI document is what that document says."""

import io
import itertools
import time

import pytest

from app.resources import REGISTRY
from tests.support.contract import Played, play, unsigned
from tests.support.openapi import operations
from tests.support.webhooks import signed

ENOUGH = 10_000
WHICHEVER = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""Who gets past the door does not depend on the database."""
TOKEN = "a-token-of-an-application"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
LITTLE = {"examples": 2, "scenarios": 0, "coverage": False, "always": True}


def about(document, *tags):
    """Return the operations with one of these tags."""
    return [name for name, (_, _, one) in operations(document).items() if set(tags) & set(one["tags"])]


def no_resources(document):
    return {tag["name"] for tag in document["tags"]} - REGISTRY.keys()


def assert_as_documented(played):
    assert not played.wrong, "\n\n".join(f"{said}\n{shown}" for said, shown in played.wrong.items())
    assert played.broken == 0


@pytest.mark.timeout(600)
def test_the_service_is_as_documented(app, client, database_url, full, tell):
    document = unsigned(client.get("/openapi.json").json)
    sqlite = database_url.startswith("sqlite")
    # The edges of every schema: once, and of the resource with the most kinds, is enough for the short way.
    edges = about(document, *(["calendar-events"] if sqlite else no_resources(document)))
    played, began = Played(), time.monotonic()

    play(app, document, seed=1, played=played, examples=1, scenarios=0 if sqlite else 10, coverage=False, always=True)
    play(app, document, seed=2, played=played, examples=1, scenarios=0, coverage=True, only=edges, always=True)

    tell(played, time.monotonic() - began)
    assert_as_documented(played)
    assert len(played.operations) == len(operations(document))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_ten_thousand_calls_are_answered_as_documented(app, client, full, tell):
    document = unsigned(client.get("/openapi.json").json)
    played, began = Played(), time.monotonic()

    for seed in itertools.count(1):
        play(app, document, seed=seed, played=played, examples=50, scenarios=100, coverage=seed == 1)
        if played.calls >= ENOUGH:
            break

    tell(played, time.monotonic() - began)
    assert_as_documented(played)


def at_the_door(app, document, **more):
    """Send deliveries only."""
    return play(
        app, document, seed=1, examples=30, scenarios=0, coverage=False, only=["receiveWebhook"], always=True, **more
    )


@WHICHEVER
class TestSigned:
    @pytest.fixture
    def settings(self):
        return {"WEBHOOK_UNSIGNED": False}

    @pytest.fixture
    def sign(self, clock):
        """Sign whatever is about to reach the service."""
        numbers = itertools.count()

        def sign(environ):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            environ["wsgi.input"] = io.BytesIO(body)
            for name, value in signed(clock, body, identity=f"msg_{next(numbers)}").items():
                environ[f"HTTP_{name.upper().replace('-', '_')}"] = value

        return sign

    def test_what_is_signed_gets_past_the_door(self, app, client, sign, tell):
        document, began = unsigned(client.get("/openapi.json").json), time.monotonic()

        played = at_the_door(app, document, change=sign)

        tell(played, time.monotonic() - began)
        assert_as_documented(played)
        assert played.statuses[202] > 0
        assert played.statuses[401] == 0

    def test_what_is_not_signed_does_not(self, app, client, tell):
        document, began = client.get("/openapi.json").json, time.monotonic()

        played = at_the_door(app, document, refused=["401"])

        tell(played, time.monotonic() - began)
        assert_as_documented(played)
        assert played.statuses[401] > 20
        assert played.statuses.keys() <= {200, 401, 405}


@WHICHEVER
class TestProduction:
    @pytest.fixture
    def settings(self):
        return {"APP_ENV": "production", "API_TOKENS": [TOKEN], "WEBHOOK_UNSIGNED": False}

    @pytest.fixture
    def document(self, client):
        return client.get("/openapi.json", headers=BEARER).json

    def test_whoever_has_a_token_gets_in(self, app, document, tell):
        began, only = time.monotonic(), about(document, "users", *no_resources(document))

        played = play(app, document, seed=1, **LITTLE, only=only, headers=BEARER, refused=["401"])

        tell(played, time.monotonic() - began)
        assert_as_documented(played)
        assert played.statuses[200] > len(played.operations)

    def test_nobody_gets_in_without_one(self, app, document, tell):
        guarded = [name for name, (_, _, one) in operations(document).items() if one.get("security") != []]
        began = time.monotonic()

        played = play(app, document, seed=1, **LITTLE | {"examples": 1}, only=guarded, refused=["401"])

        tell(played, time.monotonic() - began)
        assert_as_documented(played)
        assert len(played.operations) == len(guarded)
        assert played.statuses.keys() == {401}
