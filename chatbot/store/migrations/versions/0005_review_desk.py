"""the review desk: its queue, sessions of agents, drafts of templates, what was exported."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_table(
        "agent_sessions",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_agent_sessions_agent_id")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_agent_sessions")),
    )
    with op.batch_alter_table("agent_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_agent_sessions_agent_id"), ["agent_id"], unique=False)

    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    # The log itself is older than its head: after a way down and up again it goes on where it ended.
    op.execute(
        "INSERT INTO audit_head (id, last, hash) SELECT 1, COALESCE(MAX(id), 0), COALESCE("
        f"(SELECT hash FROM audit_log ORDER BY id DESC LIMIT 1), '{'0' * 64}') FROM audit_log"
    )
    op.create_table(
        "kept_conflicts",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_kept_conflicts_agent_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_kept_conflicts")),
    )
    op.create_table(
        "template_drafts",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("intent", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_template_drafts_agent_id")),
        sa.ForeignKeyConstraint(["decided_by"], ["agents.id"], name=op.f("fk_template_drafts_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template_drafts")),
    )
    with op.batch_alter_table("template_drafts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_template_drafts_key"), ["key"], unique=False)
        batch_op.create_index(batch_op.f("ix_template_drafts_status"), ["status"], unique=False)

    op.create_table(
        "review_items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("lead_turn_id", sa.String(length=64), nullable=True),
        sa.Column("text_key", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.Column("intent", sa.String(length=200), nullable=True),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("bursts", sa.Integer(), nullable=False),
        sa.Column("similar", sa.Integer(), server_default="0", nullable=False),
        sa.Column("settled", sa.Integer(), server_default="0", nullable=False),
        sa.Column("down", sa.Integer(), nullable=False),
        sa.Column("uncertainty", sa.Double(), nullable=False),
        sa.Column("rank", sa.Double(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("needs_two", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("lease_agent_id", sa.Integer(), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_at", sa.DateTime(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["lead_turn_id"], ["turns.id"], name=op.f("fk_review_items_lead_turn_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["lease_agent_id"], ["agents.id"], name=op.f("fk_review_items_lease_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_items")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("review_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_review_items_lead_turn_id"), ["lead_turn_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_review_items_lease_agent_id"), ["lease_agent_id"], unique=False)
        batch_op.create_index("ix_review_items_status_rank", ["status", "rank", "lead_turn_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_review_items_text_key"), ["text_key"], unique=False)

    op.create_table(
        "review_members",
        sa.Column("turn_id", sa.String(length=64), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("text_key", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["review_items.id"], name=op.f("fk_review_members_item_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_review_members_turn_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("turn_id", name=op.f("pk_review_members")),
    )
    with op.batch_alter_table("review_members", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_review_members_item_id"), ["item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_review_members_text_key"), ["text_key"], unique=False)

    op.create_table(
        "review_skips",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_review_skips_agent_id")),
        sa.ForeignKeyConstraint(
            ["item_id"], ["review_items.id"], name=op.f("fk_review_skips_item_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("item_id", "agent_id", name=op.f("pk_review_skips")),
    )
    # Nothing has written reviews before this release, so the table can be made anew.
    op.drop_table("reviews")
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("intent", sa.String(length=200), nullable=True),
        sa.Column("template_key", sa.String(length=200), nullable=True),
        sa.Column("batch", sa.String(length=64), nullable=True),
        sa.Column("undo", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("undone_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["item_id"], ["review_items.id"], name=op.f("fk_reviews_item_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_reviews_agent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reviews_agent_id"), ["agent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviews_batch"), ["batch"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviews_created_at"), ["created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_reviews_item_id"), ["item_id"], unique=False)

    never_again = {"sqlite_autoincrement": True}
    with op.batch_alter_table("examples", schema=None, recreate="auto", table_kwargs=never_again) as batch_op:
        batch_op.add_column(sa.Column("review_id", sa.Integer(), nullable=True))
        batch_op.create_index(batch_op.f("ix_examples_review_id"), ["review_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_examples_review_id"), "reviews", ["review_id"], ["id"], ondelete="SET NULL"
        )

    # Without batch mode: adding a column needs no copy of the table.
    op.add_column("template_revisions", sa.Column("by", sa.String(length=100), nullable=True))
    not_taken_in = sa.text("NOT taken_in")
    for table, column in (("feedback", "updated_at"), ("turns", "created_at")):
        op.add_column(table, sa.Column("taken_in", sa.Boolean(), server_default=sa.false(), nullable=False))
        op.create_index(
            f"ix_{table}_not_taken_in",
            table,
            [column],
            sqlite_where=not_taken_in,
            postgresql_where=not_taken_in,
        )


def downgrade() -> None:

    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_turns_not_taken_in", sqlite_where=sa.text("NOT taken_in"), postgresql_where=sa.text("NOT taken_in")
        )
        batch_op.drop_column("taken_in")

    with op.batch_alter_table("template_revisions", schema=None) as batch_op:
        batch_op.drop_column("by")

    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_feedback_not_taken_in", sqlite_where=sa.text("NOT taken_in"), postgresql_where=sa.text("NOT taken_in")
        )
        batch_op.drop_column("taken_in")

    with op.batch_alter_table("examples", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_examples_review_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_examples_review_id"))
        batch_op.drop_column("review_id")

    op.drop_table("reviews")
    op.create_table(
        "reviews",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("turn_id", sa.String(length=64), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("intent", sa.String(length=200), nullable=True),
        sa.Column("template_key", sa.String(length=200), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["agent_id"], ["agents.id"], name=op.f("fk_reviews_agent_id")),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_reviews_turn_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
    )
    with op.batch_alter_table("reviews", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reviews_turn_id"), ["turn_id"], unique=False)

    op.drop_table("review_skips")
    with op.batch_alter_table("review_members", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_review_members_text_key"))
        batch_op.drop_index(batch_op.f("ix_review_members_item_id"))

    op.drop_table("review_members")
    with op.batch_alter_table("review_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_review_items_text_key"))
        batch_op.drop_index("ix_review_items_status_rank")
        batch_op.drop_index(batch_op.f("ix_review_items_lead_turn_id"))

    op.drop_table("review_items")
    with op.batch_alter_table("template_drafts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_template_drafts_status"))
        batch_op.drop_index(batch_op.f("ix_template_drafts_key"))

    op.drop_table("template_drafts")
    op.drop_table("kept_conflicts")
    with op.batch_alter_table("agent_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_agent_sessions_agent_id"))

    op.drop_table("agent_sessions")
    op.drop_table("audit_head")
    op.drop_table("exports")
