"""The sync inside another program: one object, with the database and the CRM of that program."""

import inspect
import threading

import pytest
import requests
from sqlalchemy import create_engine, make_url
from sqlalchemy.orm import Session, scoped_session, sessionmaker

from app import ConflictResolution, CRMSync, SyncConfig, SyncDirection
from app.embedded.address import address_of
from app.resources import REGISTRY
from app.sync.runs import DIRECTIONS
from tests.support.crm_client import CONFIG
from tests.support.runs import new_there, new_users
from tests.support.settings import ANN, CRM_URL
from tests.support.users import read

HERE, THERE = "222-222-2222", "987-654-3210"


@pytest.fixture
def embed(app, database_url, crm, world):
    """Embed the sync, of users unless said, in this program."""
    made = []

    def embed(session=database_url, **about):
        sync = CRMSync(CONFIG, SyncConfig(**{"entities_to_sync": ["users"], **about}), session, world=world)
        sync.crm.session.mount(CRM_URL, crm.line)
        made.append(sync)
        return sync

    yield embed
    for sync in made:
        sync.close()


@pytest.fixture
def apart(client, crm, user, clock):
    """A user with a phone here and another one there."""
    client.patch(f"/users/{user['id']}", json={"phone": HERE}, headers={"Prefer": "respond-async"})
    clock.pass_(minutes=1)
    crm.edit(user["crm_id"], phone=THERE)
    return user


@pytest.fixture
def short_pages(monkeypatch):
    """Let the CRM's changes come one by one."""
    monkeypatch.setattr("app.sync.feed.PAGE", 1)


def cut(crm, after):
    """Cut the line to the CRM after some calls."""
    calls = iter(range(10**6))

    def before(request):
        if next(calls) >= after:
            raise requests.ConnectTimeout("cut", request=request)

    crm.line.before = before


def heal(crm, clock):
    crm.line.before = lambda _request: None
    clock.pass_(minutes=5)


def bound(kind, url):
    engine = create_engine(url)
    factory = sessionmaker(engine)
    return engine, {"engine": engine, "session": factory(), "scoped": scoped_session(factory), "address": url}[kind]


# ── runs ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["engine", "session", "scoped", "address"])
def test_one_run_brings_and_takes_what_is_new(embed, client, crm, database_url, kind):
    new_users(client, 1), new_there(crm, 1)
    engine, session = bound(kind, database_url)

    done = embed(session).manual_sync()
    engine.dispose()

    assert (done["status"], done["pulled"], done["pushed"], done["resources"]) == ("succeeded", 1, 1, ["users"])
    assert client.get("/users").json["pagination"]["total"] == len(crm.all()) == 2


@pytest.mark.parametrize(
    ("direction", "pulled", "pushed"),
    [(SyncDirection.API_TO_DB, 1, 0), (SyncDirection.DB_TO_API, 0, 1), (SyncDirection.BIDIRECTIONAL, 1, 1)],
)
def test_a_run_goes_in_the_direction_that_was_chosen(embed, client, crm, direction, pulled, pushed):
    new_users(client, 1), new_there(crm, 1)

    done = embed(direction=direction).manual_sync()

    assert (done["pulled"], done["pushed"]) == (pulled, pushed)


@pytest.mark.parametrize(
    ("resolution", "phone"),
    [
        (ConflictResolution.API_WINS, THERE),
        (ConflictResolution.DB_WINS, HERE),
        (ConflictResolution.LATEST_TIMESTAMP, THERE),
    ],
)
def test_a_conflict_is_decided_as_was_chosen(embed, client, crm, apart, resolution, phone):
    sync = embed(conflict_resolution=resolution)

    done = sync.manual_sync()

    assert (done["conflicts"], sync.get_conflicts()) == (1, [])
    assert read(client, apart)["phone"] == crm.get(apart["crm_id"])["phone"] == phone


def test_a_conflict_for_a_person_is_shown(embed, client, crm, apart):
    sync = embed(conflict_resolution=ConflictResolution.MANUAL_REVIEW)

    sync.manual_sync()

    [conflict] = sync.get_conflicts()
    assert (conflict.entity_type, conflict.entity_id, conflict.crm_id) == ("user", apart["id"], apart["crm_id"])
    assert (conflict.kind, conflict.field, conflict.local, conflict.crm) == ("field", "phone", HERE, THERE)
    assert sync.get_status()["total_conflicts"] == 1


@pytest.mark.parametrize(("sync_deleted", "left"), [(True, 0), (False, 1)])
def test_what_the_crm_deletes_goes_here_if_that_was_chosen(embed, client, crm, user, sync_deleted, left):
    crm.delete(user["crm_id"])

    embed(sync_deleted=sync_deleted).manual_sync()

    assert client.get("/users").json["pagination"]["total"] == left


def test_a_call_is_made_as_often_as_the_sync_says(embed, crm):
    cut(crm, after=0)

    embed(max_retries=2).manual_sync()

    assert len(crm.calls("GET")) == 2


# ── a run that fails ─────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_that_failed_is_gone_on_with_by_the_next(embed, client, crm, clock, short_pages):
    new_there(crm, 3)
    sync = embed()
    cut(crm, after=2)

    first = sync.manual_sync()
    heal(crm, clock)
    second = sync.manual_sync()

    assert (first["status"], first["pulled"], "rollback" in first) == ("failed", 2, False)
    assert (second["status"], second["pulled"]) == ("succeeded", 1)
    assert sync.get_status()["success_rate"] == 0.5


def test_a_run_that_failed_is_taken_back_if_that_was_chosen(embed, client, crm, user, clock, short_pages):
    crm.edit(user["crm_id"], phone=THERE)
    new_there(crm, 2)
    sync = embed(enable_rollback=True)
    cut(crm, after=2)

    done = sync.manual_sync()

    assert (done["status"], done["rollback"]["rolls_back"]) == ("failed", done["id"])
    assert read(client, user)["phone"] == ANN["phone"]
    assert client.get("/users").json["pagination"]["total"] == 1
    heal(crm, clock)
    sync.manual_sync()
    assert crm.get(user["crm_id"])["phone"] == ANN["phone"]
    # The new one that the first run had brought is not brought again, the other one is brought now.
    assert (len(crm.all()), client.get("/users").json["pagination"]["total"]) == (3, 2)


def test_a_run_that_succeeded_is_not_taken_back(embed, client, crm):
    new_there(crm, 1)

    done = embed(enable_rollback=True).manual_sync()

    assert "rollback" not in done
    assert client.get("/users").json["pagination"]["total"] == 1


def test_a_run_is_taken_back_when_the_program_says_so(embed, client, crm):
    new_there(crm, 1)
    sync = embed()
    run = sync.manual_sync()["id"]

    assert len(sync.roll_back(run, dry_run=True)["writes"]) == 1
    assert sync.roll_back(run)["rolls_back"] == run
    assert client.get("/users").json["pagination"]["total"] == 0


# ── in the background ────────────────────────────────────────────────────────────────────────────────────────────


def threads():
    return sum(one.name == "crm-sync" for one in threading.enumerate())


def test_the_background_syncs_at_once_and_stops_cleanly(embed, client, crm):
    new_users(client, 1)
    sync = embed()

    sync.start_auto_sync()
    sync.start_auto_sync()
    running, count = sync.get_status()["is_running"], threads()
    sync.stop_auto_sync()

    assert (running, count) == (True, 1)
    assert (sync.get_status()["is_running"], threads()) == (False, 0)
    assert len(crm.all()) == 1


def test_the_background_can_be_started_again(embed, client, crm):
    sync = embed()
    for count in (1, 2):
        new_users(client, 1)
        sync.start_auto_sync()
        sync.stop_auto_sync()
        assert len(crm.all()) == count


def test_to_stop_what_was_never_started_does_nothing(embed):
    embed().stop_auto_sync()


def step(sync):
    with sync._app.app_context():
        sync._auto.step()


def pulls(crm):
    return len([one for one in crm.calls("GET") if "updated_since" in one.url or "limit" in one.url])


def test_between_two_runs_only_what_is_owed_is_pushed(embed, client, crm, clock):
    sync = embed(sync_interval_minutes=15)
    step(sync)
    pulled = pulls(crm)
    new_users(client, 1)
    step(sync)

    assert (len(crm.all()), pulls(crm)) == (1, pulled)
    clock.pass_(minutes=15)
    step(sync)
    assert pulls(crm) > pulled


def test_a_sync_that_only_pulls_pushes_nothing_between_two_runs(embed, client, crm):
    sync = embed(direction=SyncDirection.API_TO_DB)
    for _ in range(2):
        step(sync)
        new_users(client, 1)

    assert crm.all() == []


def test_a_run_that_failed_is_repeated_before_the_next_interval_but_not_at_once(embed, crm, clock):
    sync = embed(sync_interval_minutes=60, max_retries=1)
    cut(crm, after=0)
    step(sync)
    step(sync)
    assert len(crm.calls("GET")) == 1
    clock.pass_(seconds=15)
    step(sync)

    assert len(crm.calls("GET")) == 2


def test_a_schedule_that_a_person_has_paused_stays_paused(embed, app, crm):
    app.test_cli_runner().invoke(args=["sync", "pause"])
    step(embed())

    assert crm.calls() == []


def test_nobody_asks_for_webhooks_that_nobody_could_take(embed, crm):
    sync = embed()
    sync.start_auto_sync()
    sync.stop_auto_sync()

    assert crm.calls(path="/crm/webhooks") == []


# ── the status ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_status_before_the_first_run_is_empty(embed):
    status = embed().get_status()

    assert (status["is_running"], status["last_sync"], status["success_rate"]) == (False, None, None)
    assert (status["total_conflicts"], status["owed"], status["healthy"]) == (0, 0, True)


def test_the_status_tells_what_came_of_the_runs(embed, client, crm, clock):
    sync = embed()
    done = sync.manual_sync()
    new_users(client, 2)

    status = sync.get_status()

    assert (status["last_sync"], status["success_rate"], status["owed"]) == (done["finished_at"], 1.0, 2)
    assert list(status["resources"]) == ["users"]


# ── the settings ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_resource_is_synced_unless_said(embed):
    assert embed(entities_to_sync=None).entities == tuple(REGISTRY)


def test_names_may_be_written_as_python_writes_them(embed):
    assert embed(entities_to_sync=["calendar_events", "users"]).entities == ("users", "calendar-events")


@pytest.mark.parametrize(
    ("about", "named"),
    [
        ({"direction": "sideways"}, "direction"),
        ({"conflict_resolution": "API_LOSES"}, "conflict_resolution"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 1001}, "batch_size"),
        ({"max_retries": 0}, "max_retries"),
        ({"sync_interval_minutes": 0}, "sync_interval_minutes"),
        ({"sync_interval_minutes": float("inf")}, "sync_interval_minutes"),
        ({"entities_to_sync": "users"}, "entities_to_sync"),
        ({"entities_to_sync": []}, "entities_to_sync"),
    ],
)
def test_a_wrong_setting_is_named(about, named):
    with pytest.raises(ValueError, match=named):
        SyncConfig(**about)


def test_an_entity_that_there_is_not_is_named(embed):
    with pytest.raises(ValueError, match="there is no invoices"):
        embed(entities_to_sync=["users", "invoices"])


def test_the_directions_are_those_of_the_engine():
    assert {one.value for one in SyncDirection} == set(DIRECTIONS)


def test_the_settings_have_these_defaults():
    defaults = {name: one.default for name, one in inspect.signature(SyncConfig).parameters.items()}

    assert defaults == {
        "direction": SyncDirection.BIDIRECTIONAL,
        "conflict_resolution": ConflictResolution.LATEST_TIMESTAMP,
        "batch_size": 100,
        "sync_interval_minutes": 15,
        "max_retries": 3,
        "enable_rollback": False,
        "sync_deleted": True,
        "entities_to_sync": None,
    }


def test_a_file_is_looked_for_where_the_program_is(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert (
        address_of("sqlite:///app.db")
        == address_of(create_engine("sqlite:///app.db"))
        == f"sqlite:///{tmp_path}/app.db"
    )


@pytest.mark.parametrize("address", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:x?mode=memory&uri=true"])
def test_a_database_in_memory_is_refused(address):
    with pytest.raises(ValueError, match="not in memory"):
        CRMSync(CONFIG, SyncConfig(), Session(create_engine(address)))


def test_a_database_that_is_not_migrated_is_refused(tmp_path):
    with pytest.raises(ValueError, match="flask db upgrade"):
        CRMSync(CONFIG, SyncConfig(), f"sqlite:///{tmp_path / 'new.db'}")


def test_the_driver_that_is_installed_is_used(app, database_url, embed):
    plain = make_url(database_url)
    if plain.get_backend_name() == "postgresql":
        plain = plain.set(drivername="postgresql")

    assert embed(plain).manual_sync()["status"] == "succeeded"
