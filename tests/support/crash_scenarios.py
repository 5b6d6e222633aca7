"""What a process was doing when it was killed: pushes, pulls, webhooks, rollbacks and imports, of a few records each."""

from typing import Any

from app.services import rollbacks
from app.services import runs as runs_shown
from tests.support.crash_play import Scenario, nothing
from tests.support.crash_stage import Stage
from tests.support.users import LATER

ONE, TWO, THREE = "222-222-2222", "333-333-3333", "444-444-4444"

# ── pushes ───────────────────────────────────────────────────────────────────────────────────────────────────────


def callers(stage: Stage) -> None:
    """Create, edit and delete over HTTP, each with its push; who got no answer says it again."""
    ann = stage.step("ann", lambda: stage.post("Ann"))
    stage.step("edit", lambda: stage.patch(ann, later=False, phone=ONE))
    stage.step("delete", lambda: stage.delete(ann, later=False, missing=True))


def batch_of_callers(stage: Stage) -> None:
    """Create several users with one request, and push them."""

    def ask() -> None:
        body = {"items": [{"name": name, "email": f"{name.lower()}@example.com"} for name in ("Ann", "Bob", "Eve")]}
        answer = stage.client.post("/users/batch", json=body, headers={"Idempotency-Key": "batch"})
        assert answer.json["created"] == 3, answer.text

    stage.step("batch", ask)
    stage.push()


def one_of_each(stage: Stage) -> None:
    """Let a create, an update and a delete be owed."""
    ann, bob = stage.users("Ann", "Bob")
    stage.post("Eve", **LATER)
    stage.patch(ann, phone=ONE)
    stage.delete(bob)


def without_batches(stage: Stage) -> None:
    stage.crm.fault("status", status=404, path="/crm/users/batch", count=None)


def one_of_each_without_batches(stage: Stage) -> None:
    without_batches(stage)
    one_of_each(stage)


def without_keys(stage: Stage) -> None:
    stage.crm.fault("no_idempotency")


def creates_without_keys(stage: Stage) -> None:
    """Let three creates be owed to a CRM that knows of no Idempotency-Keys."""
    without_keys(stage)
    for name in ("Ann", "Bob", "Eve"):
        stage.post(name, **LATER)


def single_creates_without_keys(stage: Stage) -> None:
    without_batches(stage)
    creates_without_keys(stage)


def overtaken(stage: Stage) -> None:
    """Let three updates be owed, two of records that have moved on in the CRM: one in the same field."""
    ann, bob, eve = stage.users("Ann", "Bob", "Eve")
    stage.crm.edit(ann["crm_id"], name="Ann There")
    stage.crm.edit(bob["crm_id"], phone=TWO, name="Bob There")
    for user in (ann, bob, eve):
        stage.patch(user, phone=ONE)


def many_owed(stage: Stage) -> None:
    for name in ("Ann", "Bob", "Eve", "Dan", "Fay"):
        stage.post(name, **LATER)


PUSHES = {
    "POST, PATCH and DELETE, each pushed at once": Scenario(nothing, callers, callers, coalesces=True),
    "POST of a batch, then its push": Scenario(nothing, batch_of_callers, batch_of_callers),
    "a worker pushes a create, an update and a delete": Scenario(one_of_each, Stage.push),
    "the same, to a CRM without batches": Scenario(one_of_each_without_batches, Stage.push),
    "records that have moved on: 412, fetch, merge, push": Scenario(overtaken, Stage.push),
    "a run pushes five creates in three batches": Scenario(
        many_owed, lambda stage: stage.do("push"), settings={"SYNC_BATCH_SIZE": 2}
    ),
}
KEYLESS = {
    "POST, PATCH and DELETE, each pushed at once": Scenario(without_keys, callers, callers, coalesces=True),
    "a worker pushes three creates in a batch": Scenario(creates_without_keys, Stage.push),
    "a worker pushes three creates, one by one": Scenario(single_creates_without_keys, Stage.push),
}

# ── pulls ────────────────────────────────────────────────────────────────────────────────────────────────────────


def much_has_changed(stage: Stage) -> None:
    """Let the CRM have creates, an update, a conflict, a delete and a merge for us: three pages."""
    ann, bob, eve, dan, fay = stage.users("Ann", "Bob", "Eve", "Dan", "Fay")
    for name in ("Tom", "Tim", "Tia", "Ted"):
        stage.crm.create(name=name, email=f"{name.lower()}@example.com", phone=None)
    stage.crm.edit(ann["crm_id"], phone=TWO)
    stage.crm.edit(bob["crm_id"], phone=TWO)
    stage.crm.delete(dan["crm_id"])
    stage.crm.merge(eve["crm_id"], fay["crm_id"])
    stage.patch(bob, phone=ONE, name="Bob Here")
    stage.patch(ann, name="Ann Here")


PULLS = {
    "a worker pulls": Scenario(much_has_changed, lambda stage: stage.worker.pull_step()),
    "a run pulls, then pushes": Scenario(much_has_changed, lambda stage: stage.do("both")),
}

# ── webhooks ─────────────────────────────────────────────────────────────────────────────────────────────────────

DELIVERIES = ("known", "unknown", "deleted")


def told(record: dict[str, Any], event: str, *fields: str) -> dict[str, Any]:
    """Return the webhook that a record is told of with."""
    about = {"crm_id": record["crm_id"], "version": record["version"], "timestamp": record["updated_at"]}
    return {**about, "event": event, "updated_fields": {name: record[name] for name in fields}}


def deliveries(stage: Stage) -> None:
    ann, bob = stage.users("Ann", "Bob")
    edited = stage.crm.edit(ann["crm_id"], phone=TWO)
    tom = stage.crm.create(name="Tom", email="tom@example.com", phone=None)
    stage.crm.delete(bob["crm_id"])
    gone = next(one for one in stage.crm.everything() if one["crm_id"] == bob["crm_id"])
    stage.keep(
        known=told(edited, "updated", "phone"),
        unknown=told(tom, "updated", "name"),
        deleted=told(gone, "deleted"),
    )


def delivered(stage: Stage) -> None:
    """Take in three webhooks, and look up the one that was parked."""
    for name in DELIVERIES:
        stage.deliver(name)
    stage.clock.pass_(seconds=30)
    stage.worker.parked_step()


WEBHOOKS = {"of a known record, of an unknown one, of a delete": Scenario(deliveries, delivered, delivered)}

# ── rollbacks ────────────────────────────────────────────────────────────────────────────────────────────────────


def pulled(stage: Stage) -> None:
    """Let a run have pulled edits, creates and a delete."""
    users = stage.users("Ann", "Bob", "Eve", "Dan")
    for user in users[:3]:
        stage.crm.edit(user["crm_id"], phone=TWO)
    stage.crm.create(name="Tom", email="tom@example.com", phone=None)
    stage.crm.delete(users[3]["crm_id"])
    stage.keep(run=stage.do("pull")["id"])


def pushed(stage: Stage) -> None:
    """Let a run have pushed creates, an edit and a delete."""
    ann, bob = stage.users("Ann", "Bob")
    for name in ("Tom", "Tim"):
        stage.post(name, **LATER)
    stage.patch(ann, phone=ONE)
    stage.delete(bob)
    stage.keep(run=stage.do("push")["id"])


def roll_back(stage: Stage) -> None:
    """Take the run back; after a crash, only when the wish had been lost."""
    runs, _ = runs_shown.listing(stage.engine, 20, 0)
    if not any(one["rolls_back"] == stage.kept["run"] for one in runs):
        done = rollbacks.roll_back(stage.engine, stage.kept["run"], "test", dry_run=False)
        assert done["status"] == "succeeded", done


ROLLBACKS = {
    "of a pull": Scenario(pulled, roll_back, roll_back),
    "of a push": Scenario(pushed, roll_back, roll_back),
}

# ── imports ──────────────────────────────────────────────────────────────────────────────────────────────────────

ROWS = [
    *("ann@example.com", "bob@example.com", "no e-mail", "eve@example.com"),
    *("dan@example.com", "bob@example.com", "fay@example.com", "gus@example.com"),
]


def a_file(stage: Stage) -> None:
    stage.users("Ann")
    rows = [f"Name {number},{email}" for number, email in enumerate(ROWS)]
    (stage.place.folder / "users.csv").write_text("\n".join(["name,email", *rows]) + "\n")


def take_in(stage: Stage) -> None:
    """Import the file: creates, updates and a row that is rejected, in three chunks."""

    def command() -> None:
        path = stage.place.folder / "users.csv"
        answer = stage.app.test_cli_runner().invoke(args=["sync", "import", str(path), "--update"])
        assert answer.exit_code == 1, (answer.stderr, answer.exception)
        assert len(path.with_name("users.csv.rejected.csv").read_text().splitlines()) == 2
        assert not path.with_name("users.csv.progress").exists()

    stage.step("import", command)


IMPORTS = {"of a file with new, known and bad rows": Scenario(a_file, take_in, take_in)}

EVERYTHING = {
    f"{kind}: {name}": scenario
    for kind, scenarios in {
        "push": PUSHES,
        "push to a CRM that keeps no keys": KEYLESS,
        "pull": PULLS,
        "webhooks": WEBHOOKS,
        "rollback": ROLLBACKS,
        "import": IMPORTS,
    }.items()
    for name, scenario in scenarios.items()
}
MANY_COMMITS = {name: scenario for name, scenario in EVERYTHING.items() if "no keys" not in name}
