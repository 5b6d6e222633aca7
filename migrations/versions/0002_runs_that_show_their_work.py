"""runs that show their work: what was changed in the CRM, parts of runs, settings, former links

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
Sequence = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Time = sa.DateTime(timezone=True)


def upgrade():
    _add_columns()
    op.create_table(
        "crm_changes",
        sa.Column("id", Sequence, autoincrement=True, nullable=False),
        sa.Column("resource", sa.String(64), nullable=False),
        sa.Column("record_id", sa.String(36), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="of the record, when the CRM had taken it"),
        sa.Column("crm_id", sa.String(255), nullable=False),
        sa.Column("at", Time, nullable=False),
        sa.Column("action", sa.String(16), nullable=False, comment="create, update or delete"),
        sa.Column("run_id", sa.String(36)),
        sa.Column("changes", Json, nullable=False, comment="field: [what the CRM held before, what it holds now]"),
        sa.PrimaryKeyConstraint("id", name="pk_crm_changes"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_crm_changes_resource_record_id_id", "crm_changes", ["resource", "record_id", "id"])
    op.create_index("ix_crm_changes_run_id", "crm_changes", ["run_id"])
    op.create_table(
        "run_parts",
        sa.Column("run_id", sa.String(36), nullable=False),
        sa.Column("resource", sa.String(64), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("counts", Json, nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("finished_at", Time),
        sa.Column("left", Json, nullable=False, comment="records that a rollback left as they were, and why"),
        sa.PrimaryKeyConstraint("run_id", "resource", name="pk_run_parts"),
    )
    op.create_index("ix_run_parts_resource_finished_at", "run_parts", ["resource", "finished_at"])
    op.create_table(
        "settings",
        sa.Column("name", sa.String(150), nullable=False, comment="schedule, or rule:users.phone"),
        sa.Column("value", Json, nullable=False),
        sa.Column("set_by", sa.String(32), nullable=False),
        sa.Column("set_at", Time, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_settings"),
    )


def _add_columns():
    """Add columns; those that must not be empty begin with what is true of rows from before."""
    with op.batch_alter_table("crm_copies") as table:
        comment = "crm_ids that the record was linked with before"
        table.add_column(sa.Column("former", Json, nullable=False, server_default="[]", comment=comment))
    with op.batch_alter_table("outbox") as table:
        table.add_column(sa.Column("run_id", sa.String(36), comment="the run that pushes it"))
    with op.batch_alter_table("conflicts") as table:
        table.add_column(sa.Column("resolved_by", sa.String(16), comment="policy, api, command, merge or run"))
        table.create_index("ix_conflicts_resource_crm_id", ["resource", "crm_id"])
        table.create_index("ix_conflicts_run_id", ["run_id"])
    with op.batch_alter_table("runs") as table:
        table.add_column(sa.Column("batch_size", sa.Integer(), nullable=False, server_default="100"))
        table.add_column(sa.Column("policy", sa.String(1000), nullable=False, server_default=""))
        alive = "a run that is at work says so again before this"
        table.add_column(sa.Column("alive_until", Time, comment=alive))
        resumed = "how often another process went on with it"
        table.add_column(sa.Column("resumed", sa.Integer(), nullable=False, server_default="0", comment=resumed))
        table.add_column(sa.Column("rolls_back", sa.String(36), comment="the run that this one takes back"))
        table.create_index("ix_runs_status", ["status"])
    with op.batch_alter_table("cursors") as table:
        table.alter_column("pulled_at", nullable=True)
    for name, columns in (("crm_copies", ["former"]), ("runs", ["batch_size", "policy", "resumed"])):
        with op.batch_alter_table(name) as table:
            for column in columns:
                table.alter_column(column, server_default=None)


def downgrade():
    for name in ("settings", "run_parts", "crm_changes"):
        op.drop_table(name)
    op.execute("DELETE FROM cursors WHERE pulled_at IS NULL")
    with op.batch_alter_table("cursors") as table:
        table.alter_column("pulled_at", nullable=False)
    with op.batch_alter_table("runs") as table:
        table.drop_index("ix_runs_status")
        for column in ("rolls_back", "resumed", "alive_until", "policy", "batch_size"):
            table.drop_column(column)
    with op.batch_alter_table("conflicts") as table:
        table.drop_index("ix_conflicts_run_id")
        table.drop_index("ix_conflicts_resource_crm_id")
        table.drop_column("resolved_by")
    with op.batch_alter_table("outbox") as table:
        table.drop_column("run_id")
    with op.batch_alter_table("crm_copies") as table:
        table.drop_column("former")
