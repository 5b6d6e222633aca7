"""users and the tables of the engine

Revision ID: 0001
Revises: 
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql


revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('answers',
    sa.Column('key', sa.String(length=300), nullable=False, comment='the Idempotency-Key'),
    sa.Column('fingerprint', sa.String(length=64), nullable=False),
    sa.Column('resource', sa.String(length=64), nullable=False),
    sa.Column('record_id', sa.String(length=36), nullable=False),
    sa.Column('body', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True, comment='what was answered; nothing while the first request is at work'),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_answers'))
    )
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.create_index('ix_answers_created_at', ['created_at'], unique=False)

    op.create_table('conflicts',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('resource', sa.String(length=64), nullable=False),
    sa.Column('record_id', sa.String(length=36), nullable=True),
    sa.Column('crm_id', sa.String(length=255), nullable=False),
    sa.Column('kind', sa.String(length=16), nullable=False, comment='field, duplicate, deleted or invalid'),
    sa.Column('field', sa.String(length=64), nullable=True),
    sa.Column('last_told', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True, comment='the value in the crm_copy, before both sides changed it'),
    sa.Column('local_value', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
    sa.Column('crm_value', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True),
    sa.Column('policy', sa.String(length=16), nullable=True),
    sa.Column('status', sa.String(length=16), nullable=False, comment='open or resolved'),
    sa.Column('resolution', sa.String(length=16), nullable=True, comment='crm, local or value'),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('run_id', sa.String(length=36), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('resolved_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conflicts'))
    )
    with op.batch_alter_table('conflicts', schema=None) as batch_op:
        batch_op.create_index('ix_conflicts_resource_record_id', ['resource', 'record_id'], unique=False)
        batch_op.create_index('ix_conflicts_status_created_at', ['status', 'created_at'], unique=False)

    op.create_table('crm_copies',
    sa.Column('resource', sa.String(length=64), nullable=False),
    sa.Column('record_id', sa.String(length=36), nullable=False),
    sa.Column('crm_id', sa.String(length=255), nullable=False),
    sa.Column('fields', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment="in the CRM's own names and form"),
    sa.Column('version', sa.BigInteger(), nullable=True),
    sa.Column('stamps', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
    sa.Column('same_as', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
    sa.Column('held', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
    sa.Column('deleted', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('resource', 'record_id', name=op.f('pk_crm_copies'))
    )
    with op.batch_alter_table('crm_copies', schema=None) as batch_op:
        batch_op.create_index('ix_crm_copies_resource_crm_id', ['resource', 'crm_id'], unique=False)

    op.create_table('cursors',
    sa.Column('resource', sa.String(length=64), nullable=False),
    sa.Column('cursor', sa.Text(), nullable=True),
    sa.Column('pulled_at', sa.DateTime(timezone=True), nullable=False, comment='when the last pull came to its end'),
    sa.PrimaryKeyConstraint('resource', name=op.f('pk_cursors'))
    )
    op.create_table('inbox',
    sa.Column('id', sa.String(length=300), nullable=False, comment='webhook-id, or derived from the content'),
    sa.Column('resource', sa.String(length=64), nullable=False),
    sa.Column('crm_id', sa.String(length=255), nullable=False),
    sa.Column('state', sa.String(length=16), nullable=False, comment='settled, parked or dropped'),
    sa.Column('outcome', sa.String(length=16), nullable=True),
    sa.Column('body', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True, comment='what waits to be applied; nothing once settled'),
    sa.Column('received_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_inbox'))
    )
    with op.batch_alter_table('inbox', schema=None) as batch_op:
        batch_op.create_index('ix_inbox_received_at', ['received_at'], unique=False)
        batch_op.create_index('ix_inbox_resource_crm_id', ['resource', 'crm_id'], unique=False)
        batch_op.create_index('ix_inbox_state_due_at', ['state', 'due_at'], unique=False)

    op.create_table('journal',
    sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
    sa.Column('resource', sa.String(length=64), nullable=False),
    sa.Column('record_id', sa.String(length=36), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('origin', sa.String(length=16), nullable=False),
    sa.Column('run_id', sa.String(length=36), nullable=True),
    sa.Column('changes', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment='field: [from, to]'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_journal')),
    sqlite_autoincrement=True
    )
    with op.batch_alter_table('journal', schema=None) as batch_op:
        batch_op.create_index('ix_journal_resource_record_id_id', ['resource', 'record_id', 'id'], unique=False)
        batch_op.create_index('ix_journal_run_id', ['run_id'], unique=False)

    op.create_table('leases',
    sa.Column('name', sa.String(length=64), nullable=False),
    sa.Column('holder', sa.String(length=36), nullable=False),
    sa.Column('until', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_leases'))
    )
    op.create_table('outbox',
    sa.Column('resource', sa.String(length=64), nullable=False),
    sa.Column('record_id', sa.String(length=36), nullable=False),
    sa.Column('owed_since', sa.DateTime(timezone=True), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('rounds', sa.Integer(), nullable=False, comment='pushes that ended without an outcome'),
    sa.Column('lease', sa.String(length=36), nullable=True, comment='who is pushing it now'),
    sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('sent', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, comment='values sent since the last outcome that is known'),
    sa.Column('creating', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True, comment='the create whose outcome is not known: key and fields'),
    sa.Column('reason', sa.String(length=32), nullable=True, comment='why the last push did not end well'),
    sa.Column('notified_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('resource', 'record_id', name=op.f('pk_outbox'))
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index('ix_outbox_due_at', ['due_at'], unique=False)

    op.create_table('runs',
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('direction', sa.String(length=16), nullable=False),
    sa.Column('resources', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
    sa.Column('asked_by', sa.String(length=32), nullable=False),
    sa.Column('status', sa.String(length=16), nullable=False),
    sa.Column('counts', sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('started_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('finished_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_runs'))
    )
    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.create_index('ix_runs_started_at', ['started_at'], unique=False)

    op.create_table('users',
    sa.Column('name', sa.String(length=200), nullable=False),
    sa.Column('email', sa.String(length=254), nullable=False),
    sa.Column('phone', sa.String(length=32), nullable=True),
    sa.Column('email_key', sa.String(length=1000), nullable=True),
    sa.Column('id', sa.String(length=36), nullable=False),
    sa.Column('sync_status', sa.String(length=16), nullable=False),
    sa.Column('sync_error', sa.String(length=1000), nullable=True),
    sa.Column('crm_id', sa.String(length=255), nullable=True),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('last_updated', sa.DateTime(timezone=True), nullable=False),
    sa.Column('deleted_at', sa.DateTime(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_users')),
    sa.UniqueConstraint('crm_id', name=op.f('uq_users_crm_id'))
    )
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.create_index('ix_users_last_updated_id', ['last_updated', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_users_sync_status'), ['sync_status'], unique=False)
        batch_op.create_index('uq_users_email_key', ['email_key'], unique=True, sqlite_where=sa.text('deleted_at IS NULL'), postgresql_where=sa.text('deleted_at IS NULL'))



def downgrade():
    with op.batch_alter_table('users', schema=None) as batch_op:
        batch_op.drop_index('uq_users_email_key', sqlite_where=sa.text('deleted_at IS NULL'), postgresql_where=sa.text('deleted_at IS NULL'))
        batch_op.drop_index(batch_op.f('ix_users_sync_status'))
        batch_op.drop_index('ix_users_last_updated_id')

    op.drop_table('users')
    with op.batch_alter_table('runs', schema=None) as batch_op:
        batch_op.drop_index('ix_runs_started_at')

    op.drop_table('runs')
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_index('ix_outbox_due_at')

    op.drop_table('outbox')
    op.drop_table('leases')
    with op.batch_alter_table('journal', schema=None) as batch_op:
        batch_op.drop_index('ix_journal_run_id')
        batch_op.drop_index('ix_journal_resource_record_id_id')

    op.drop_table('journal')
    with op.batch_alter_table('inbox', schema=None) as batch_op:
        batch_op.drop_index('ix_inbox_state_due_at')
        batch_op.drop_index('ix_inbox_resource_crm_id')
        batch_op.drop_index('ix_inbox_received_at')

    op.drop_table('inbox')
    op.drop_table('cursors')
    with op.batch_alter_table('crm_copies', schema=None) as batch_op:
        batch_op.drop_index('ix_crm_copies_resource_crm_id')

    op.drop_table('crm_copies')
    with op.batch_alter_table('conflicts', schema=None) as batch_op:
        batch_op.drop_index('ix_conflicts_status_created_at')
        batch_op.drop_index('ix_conflicts_resource_record_id')

    op.drop_table('conflicts')
    with op.batch_alter_table('answers', schema=None) as batch_op:
        batch_op.drop_index('ix_answers_created_at')

    op.drop_table('answers')
