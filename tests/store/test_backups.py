"""Backups as the store knows them: by their names, by the audit log, by what is in them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from chatbot.store import Store
from chatbot.store.backups import archives, backups, backups_with, elsewhere, last_made, record
from chatbot.store.erasing import Traces
from chatbot.types import Role

NOBODY = Traces(frozenset({"nobody"}))


def archive(file: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(file, "w") as tar:
        for name, content in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    return file


def test_archives_in_their_order(tmp_path: Path) -> None:
    names = ["chatbot-20260102T000000Z.tar", "chatbot-20260102T000000Z-2.tar", "chatbot-20260102T000000Z-10.tar"]
    for name in (
        *names[::-1],
        "chatbot-20251231T235959Z.tar",
        "chatbot-of-mine.tar",
        "chatbot-20260102T000000Z.tar.new",
    ):
        (tmp_path / name).touch()
    assert [file.name for file in archives(tmp_path)] == ["chatbot-20251231T235959Z.tar", *names]
    assert archives(tmp_path / "none") == []


def test_where_backups_were_written_to(empty_store: Store, tmp_path: Path) -> None:
    database, folder = empty_store.database, tmp_path / "backups"
    assert last_made(database) is None
    for place in (folder, tmp_path / "usb", tmp_path / "usb", tmp_path / "net"):
        record(database, place / "one.tar", by="Ana", sha256="00", size=7)
    empty_store.agents.add("Ana", role=Role.ADMIN, password_hash="none", by="test")
    assert elsewhere(database, folder) == {tmp_path / "net": 1, tmp_path / "usb": 2}
    entry = last_made(database)
    assert entry is not None
    assert (entry.who, entry.after) == ("Ana", {"file": str(tmp_path / "net" / "one.tar"), "sha256": "00", "bytes": 7})


def test_what_cannot_be_read_may_hold_anything(empty_store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    database = (tmp_path / "empty.db").read_bytes()
    held = archive(folder / "chatbot-20260101T000000Z.tar", {"chatbot.db": database})
    broken = archive(folder / "chatbot-20260102T000000Z.tar", {"chatbot.db": b"no database" * 500})
    other = archive(folder / "chatbot-20260103T000000Z.tar", {"other.db": database})
    cut = folder / "chatbot-20260104T000000Z.tar"
    cut.write_bytes(held.read_bytes()[: 512 + 4096])
    none = folder / "chatbot-20260105T000000Z.tar"
    none.touch()
    assert backups(empty_store.database, folder) == [held, broken, other, cut, none]
    found = backups_with(empty_store.database, folder, NOBODY)
    assert [file.name for file in found if file != held] == [file.name for file in (broken, other, cut, none)]
    assert list(folder.glob(".looking-*")) == []
