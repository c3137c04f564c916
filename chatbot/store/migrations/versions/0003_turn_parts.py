"""several questions of one turn, and turns that go on with the one before."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without batch mode: adding a column needs no copy of the table.
    op.add_column("turns", sa.Column("parts", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("turns", sa.Column("follows_up", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.drop_column("follows_up")
        batch_op.drop_column("parts")
