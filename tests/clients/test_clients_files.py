"""A client's settings are replaced whole or not at all, and what was there is kept."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime

import pytest

from runpod_mcp.clients import files
from runpod_mcp.clients.files import read_file, replace_file
from runpod_mcp.errors import Failure

NOW = datetime(2026, 11, 24, 4, 5, 6, tzinfo=UTC)
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such permissions or links")


def test_what_was_there_is_kept_beside_it_under_the_time_of_writing(tmp_path):
    path = tmp_path / "s.json"
    path.write_bytes(b"\xef\xbb\xbfold\r\n")
    found = read_file(path)
    assert found.text == "\ufeffold\r\n"
    backup = replace_file(found, "\ufeffnew\r\n", NOW)
    assert backup == tmp_path / "s.json.bak-20261124040506"
    assert backup.read_bytes() == b"\xef\xbb\xbfold\r\n"
    assert path.read_bytes() == b"\xef\xbb\xbfnew\r\n"
    second = replace_file(read_file(path), "newer", NOW)
    assert second == tmp_path / "s.json.bak-20261124040506-1"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["s.json", backup.name, second.name]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o640])
def test_permissions_stay_as_they_are_on_the_file_and_on_the_backup(tmp_path, mode):
    path = tmp_path / "s"
    path.write_text("old")
    path.chmod(mode)
    backup = replace_file(read_file(path), "new", NOW)
    assert backup is not None
    assert {stat.S_IMODE(one.stat().st_mode) for one in (path, backup)} == {mode}


@posix
def test_a_link_stays_a_link_and_what_it_leads_to_is_written(tmp_path):
    real = tmp_path / "dotfiles" / "real"
    real.parent.mkdir()
    real.write_text("old")
    link = tmp_path / "link"
    link.symlink_to(real)
    replace_file(read_file(link), "new", NOW)
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert [one.name for one in real.parent.iterdir()] == ["real"]


@posix
def test_a_new_file_is_made_with_its_folders_and_for_its_owner_only(tmp_path):
    path = tmp_path / "a" / "b" / "s.json"
    assert replace_file(read_file(path), "new", NOW) is None
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_changed_since_it_was_read_is_left_alone(tmp_path):
    path = tmp_path / "s"
    path.write_text("old")
    found = read_file(path)
    path.write_text("another program's")
    with pytest.raises(Failure, match="changed by another program"):
        replace_file(found, "new", NOW)
    assert [one.read_text() for one in tmp_path.iterdir()] == ["another program's"]


def test_what_is_no_file_or_no_text_is_said(tmp_path):
    with pytest.raises(Failure, match="is not a file"):
        read_file(tmp_path)
    odd = tmp_path / "odd"
    odd.write_bytes(b"\xff\xfe{\x00}\x00")
    with pytest.raises(Failure, match="not UTF-8"):
        _ = read_file(odd).text
    with pytest.raises(Failure, match="cannot be read"):
        read_file(odd / "below")
    with pytest.raises(Failure, match="cannot be read"):
        read_file(tmp_path / "nul\0")


def test_a_file_that_is_too_large_is_left_alone(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(files.LARGEST + 1)
    with pytest.raises(Failure, match="larger than settings can be"):
        read_file(path)


def test_where_nothing_can_be_written_nothing_is_changed(tmp_path):
    found = read_file(tmp_path / "there" / "s")
    (tmp_path / "there").write_text("a file where a folder should be")
    with pytest.raises(Failure, match="cannot be written"):
        replace_file(found, "new", NOW)
    path = tmp_path / "s"
    path.write_text("old")
    with pytest.raises(Failure, match="cannot be written"):
        replace_file(read_file(path), "\ud800", NOW)
    assert path.read_text() == "old"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["s", "there"]


def test_backups_of_one_second_come_to_an_end(tmp_path):
    path = tmp_path / "s"
    path.write_text("old")
    (tmp_path / "s.bak-20261124040506").write_text("")
    for count in range(1, 100):
        (tmp_path / f"s.bak-20261124040506-{count}").write_text("")
    with pytest.raises(Failure, match="too many backups"):
        replace_file(read_file(path), "new", NOW)
    assert path.read_text() == "old"
