"""Backups: whole or refused, made while the store is served, and never a half-written file or folder."""

from __future__ import annotations

import errno
import random
import stat
from pathlib import Path
from typing import Any

import pyoxigraph
import pytest
from pyoxigraph import BlankNode, Literal, NamedNode, Quad
from servers import AS_OF, running

from reasoner.cli import main
from reasoner.errors import InputError, UsageError
from reasoner.server.copies import back_up, restore

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copies") / "store"
    (folder / "db").mkdir(parents=True)
    found = pyoxigraph.Store(folder / "db")
    values = [
        Literal("a\nb # legcramps backup: 1 quads"),
        Literal("x", language="en"),
        BlankNode("b"),
        Literal("0.90", datatype=NamedNode("urn:d")),
    ]
    found.extend(Quad(NamedNode(f"urn:{n}"), NamedNode("urn:p"), values[n % 4], NamedNode(f"urn:g{n % 3}")) for n in range(500))
    found.flush()
    del found
    return folder


def lines(folder: Path) -> list[str]:
    return sorted(str(quad) for quad in pyoxigraph.Store.read_only(str(folder / "db")) if not isinstance(quad.object, BlankNode))


def test_a_backup_gives_the_same_store(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backup, restored = tmp_path / "copy.nq", tmp_path / "restored"
    assert main(["backup", str(store), str(backup)]) == 0
    assert main(["restore", str(backup), str(restored)]) == 0
    assert capsys.readouterr().out == "500 quads\n500 quads\n"
    assert lines(restored) == lines(store)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert main(["restore", str(backup), str(restored)]) == 2
    assert "not empty" in capsys.readouterr().err


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_backup_is_refused(store: Path, tmp_path: Path, seed: int) -> None:
    backup = tmp_path / "copy.nq"
    back_up(store, backup)
    data, chance = bytearray(backup.read_bytes()), random.Random(seed)
    if seed % 2:
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    else:
        del data[chance.randrange(len(data)) :]
    backup.write_bytes(data)
    with pytest.raises(InputError):
        restore(backup, tmp_path / "restored")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.nq"]


def test_what_cannot_be_read_or_written_is_said(store: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no store"):
        back_up(tmp_path, tmp_path / "x")
    with pytest.raises(UsageError):
        back_up(store, tmp_path / "none" / "x")
    with pytest.raises(InputError):
        restore(tmp_path / "none", tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_last_backup(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = tmp_path / "copy.nq"
    back_up(store, backup)
    before = backup.read_bytes()

    def full(_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(UsageError, match="cannot be written"):
        back_up(store, backup)
    assert backup.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["copy.nq"]


def test_a_store_is_backed_up_while_it_is_served(tmp_path: Path) -> None:
    store, backup = tmp_path / "store", tmp_path / "copy.nq"
    with running(str(ROOT / "docs" / "examples" / "patient.ttl"), "--as-of", AS_OF, "--store", str(store), "--workers", "1") as server:
        count = back_up(store, backup)
        rows = server.query("SELECT (COUNT(*) AS ?n) { { ?s ?p ?o } UNION { GRAPH ?g { ?s ?p ?o } } }").rows
        assert rows == [{"n": str(count)}]
    assert restore(backup, tmp_path / "restored") == count
