"""retraining: which side of the split an example is on, what each version was trained on, labels that look wrong."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("examples", schema=None) as batch_op:
        batch_op.add_column(sa.Column("side", sa.String(length=16), nullable=True))
    op.create_table(
        "data_versions",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("examples", sa.Integer(), nullable=False),
        sa.Column("intents", sa.Integer(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_data_versions")),
    )
    op.create_table(
        "label_suspicions",
        sa.Column("example_id", sa.Integer(), nullable=False),
        sa.Column("given", sa.String(length=200), nullable=False),
        sa.Column("proposed", sa.String(length=200), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("found_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["example_id"], ["examples.id"], name=op.f("fk_label_suspicions_example_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("example_id", name=op.f("pk_label_suspicions")),
    )


def downgrade() -> None:
    op.drop_table("label_suspicions")
    op.drop_table("data_versions")
    with op.batch_alter_table("examples", schema=None) as batch_op:
        batch_op.drop_column("side")
