"""idempotency keys become digests: clients put anything into them, personal data too."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MESSAGES = sa.table("messages", sa.column("id"), sa.column("conversation_id"), sa.column("key"))


def upgrade() -> None:
    connection = op.get_bind()
    with_key = sa.select(MESSAGES.c.id, MESSAGES.c.conversation_id, MESSAGES.c.key).where(MESSAGES.c.key.is_not(None))
    digests = [
        {"message": id, "digest": hashlib.sha256(f"{conversation}\0{key}".encode("utf-8", "replace")).hexdigest()}
        for id, conversation, key in connection.execute(with_key)
    ]
    if digests:
        change = sa.update(MESSAGES).where(MESSAGES.c.id == sa.bindparam("message"))
        connection.execute(change.values(key=sa.bindparam("digest")), digests)


def downgrade() -> None:
    # What a key was cannot be told from its digest. They stay: a digest is a key like any other to older programs.
    pass
