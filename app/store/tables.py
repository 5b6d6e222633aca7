"""The tables of the engine itself; those of the resources come from their declarations."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from app.core.db import Json, Utc, db

metadata = db.metadata
Id = String(36)
Sequence = BigInteger().with_variant(Integer(), "sqlite")

crm_copies = Table(
    "crm_copies",
    metadata,
    Column("resource", String(64), primary_key=True),
    Column("record_id", Id, primary_key=True),
    Column("crm_id", String(255), nullable=False),
    Column("fields", Json, nullable=False, comment="in the CRM's own names and form"),
    Column("version", BigInteger),
    Column("stamps", Json, nullable=False),
    Column("same_as", Json, nullable=False),
    Column("held", Json, nullable=False),
    Column("deleted", Integer, nullable=False),
    Column("former", Json, nullable=False, comment="crm_ids that the record was linked with before"),
    Index("ix_crm_copies_resource_crm_id", "resource", "crm_id"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("resource", String(64), primary_key=True),
    Column("record_id", Id, primary_key=True),
    Column("owed_since", Utc(), nullable=False),
    Column("due_at", Utc(), nullable=False),
    Column("rounds", Integer, nullable=False, comment="pushes that ended without an outcome"),
    Column("lease", Id, comment="who is pushing it now"),
    Column("lease_until", Utc()),
    Column("waits_for", Id, index=True, comment="a record it refers to, which has to be in the CRM first"),
    Column("sent", Json, nullable=False, comment="values sent since the last outcome that is known"),
    Column("creating", Json, comment="the create whose outcome is not known: key and fields"),
    Column("reason", String(32), comment="why the last push did not end well"),
    Column("notified_at", Utc()),
    Column("run_id", Id, comment="the run that pushes it"),
    Index("ix_outbox_due_at", "due_at"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", String(300), primary_key=True, comment="webhook-id, or derived from the content"),
    Column("resource", String(64), nullable=False),
    Column("crm_id", String(255), nullable=False),
    Column("state", String(16), nullable=False, comment="settled, parked or dropped"),
    Column("outcome", String(16)),
    Column("body", Json, comment="what waits to be applied; nothing once settled"),
    Column("received_at", Utc(), nullable=False),
    Column("due_at", Utc()),
    Column("attempts", Integer, nullable=False),
    Index("ix_inbox_state_due_at", "state", "due_at"),
    Index("ix_inbox_resource_crm_id", "resource", "crm_id"),
    Index("ix_inbox_received_at", "received_at"),
)

journal = Table(
    "journal",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("resource", String(64), nullable=False),
    Column("record_id", Id, nullable=False),
    Column("version", Integer, nullable=False),
    Column("at", Utc(), nullable=False),
    Column("origin", String(16), nullable=False),
    Column("run_id", Id),
    Column("changes", Json, nullable=False, comment="field: [from, to]"),
    Index("ix_journal_resource_record_id_id", "resource", "record_id", "id"),
    Index("ix_journal_run_id", "run_id"),
    sqlite_autoincrement=True,
)

crm_changes = Table(
    "crm_changes",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("resource", String(64), nullable=False),
    Column("record_id", Id, nullable=False),
    Column("version", Integer, nullable=False, comment="of the record, when the CRM had taken it"),
    Column("crm_id", String(255), nullable=False),
    Column("at", Utc(), nullable=False),
    Column("action", String(16), nullable=False, comment="create, update or delete"),
    Column("run_id", Id),
    Column("changes", Json, nullable=False, comment="field: [what the CRM held before, what it holds now]"),
    Index("ix_crm_changes_resource_record_id_id", "resource", "record_id", "id"),
    Index("ix_crm_changes_run_id", "run_id"),
    sqlite_autoincrement=True,
)

conflicts = Table(
    "conflicts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("resource", String(64), nullable=False),
    Column("record_id", Id),
    Column("crm_id", String(255), nullable=False),
    Column("kind", String(16), nullable=False, comment="field, duplicate, deleted or invalid"),
    Column("field", String(64)),
    Column("last_told", Json, comment="the value in the crm_copy, before both sides changed it"),
    Column("local_value", Json),
    Column("crm_value", Json),
    Column("policy", String(16)),
    Column("status", String(16), nullable=False, comment="open or resolved"),
    Column("resolution", String(16), comment="crm, local or value"),
    Column("note", Text),
    Column("run_id", Id),
    Column("created_at", Utc(), nullable=False),
    Column("resolved_at", Utc()),
    Column("resolved_by", String(16), comment="policy, api, command, merge or run"),
    Index("ix_conflicts_resource_crm_id", "resource", "crm_id"),
    Index("ix_conflicts_run_id", "run_id"),
    Index("ix_conflicts_status_created_at", "status", "created_at"),
    Index("ix_conflicts_resource_record_id", "resource", "record_id"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("direction", String(16), nullable=False),
    Column("resources", Json, nullable=False),
    Column("asked_by", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    Column("counts", Json, nullable=False),
    Column("error", Text),
    Column("started_at", Utc(), nullable=False),
    Column("finished_at", Utc()),
    Column("batch_size", Integer, nullable=False),
    Column("policy", String(1000), nullable=False),
    Column("alive_until", Utc(), comment="a run that is at work says so again before this"),
    Column("resumed", Integer, nullable=False, comment="how often another process went on with it"),
    Column("rolls_back", Id, comment="the run that this one takes back"),
    Index("ix_runs_started_at", "started_at"),
    Index("ix_runs_status", "status"),
)

run_parts = Table(
    "run_parts",
    metadata,
    Column("run_id", Id, primary_key=True),
    Column("resource", String(64), primary_key=True),
    Column("status", String(16), nullable=False),
    Column("counts", Json, nullable=False),
    Column("error", Text),
    Column("finished_at", Utc()),
    Column("left", Json, nullable=False, comment="records that a rollback left as they were, and why"),
    Index("ix_run_parts_resource_finished_at", "resource", "finished_at"),
)

settings = Table(
    "settings",
    metadata,
    Column("name", String(150), primary_key=True, comment="schedule, or rule:users.phone"),
    Column("value", Json, nullable=False),
    Column("set_by", String(32), nullable=False),
    Column("set_at", Utc(), nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("resource", String(64), primary_key=True),
    Column("cursor", Text),
    Column("pulled_at", Utc(), comment="when the last pull came to its end"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", Id, nullable=False),
    Column("until", Utc(), nullable=False),
)

answers = Table(
    "answers",
    metadata,
    Column("key", String(300), primary_key=True, comment="the Idempotency-Key"),
    Column("fingerprint", String(64), nullable=False),
    Column("resource", String(64), nullable=False),
    Column("record_id", Id, nullable=False),
    Column("body", Json, comment="what was answered; nothing while the first request is at work"),
    Column("created_at", Utc(), nullable=False),
    Index("ix_answers_created_at", "created_at"),
)
