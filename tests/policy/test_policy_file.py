"""The policy file in force: whatever happens to it, nobody gets more than a person wrote."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from runpod_mcp.errors import Code, Failure, Retry
from runpod_mcp.flows.policy_file import LARGEST_FILE, PolicyFile
from runpod_mcp.money import Usd
from runpod_mcp.policy.document import default_policy

posix = pytest.mark.skipif(os.name != "posix", reason="permissions of this kind are POSIX")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "policy.toml"


def write(path: Path, day: int = 5) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"version = 1\n[budget]\nusd_per_day = {day}\n")


def day(policies: PolicyFile) -> Usd | None:
    return policies.current().budget.usd_per_day


def broken(policies: PolicyFile, why: str) -> None:
    with pytest.raises(Failure) as failure:
        policies.current()
    assert failure.value.code is Code.POLICY_BROKEN
    assert failure.value.retry is Retry.NEVER
    assert why in failure.value.message
    assert str(policies.path) in failure.value.message


def test_a_policy_says_where_it_came_from(path):
    write(path)
    assert PolicyFile(path, named=True).current().origin == str(path)


def test_where_nobody_wrote_a_policy_the_default_applies(path):
    assert PolicyFile(path).current() == default_policy()
    assert PolicyFile(path).current().is_default


def test_a_policy_that_was_named_must_be_there(path):
    broken(PolicyFile(path, named=True), "no such file")


def test_a_policy_is_read_again_when_it_changes_and_only_then(path):
    write(path, 5)
    policies = PolicyFile(path)
    first = policies.current()
    assert policies.current() is first
    write(path, 7)
    assert day(policies) == 7_000_000


def test_a_change_that_keeps_size_and_time_is_seen_too(path):
    write(path, 5)
    policies = PolicyFile(path)
    before = path.stat()
    assert day(policies) == 5_000_000
    write(path, 1)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert day(policies) == 1_000_000


def test_a_policy_that_appears_later_replaces_the_default(path):
    policies = PolicyFile(path)
    assert policies.current().is_default
    write(path)
    assert not policies.current().is_default


@pytest.mark.parametrize("named", [True, False])
def test_a_policy_that_is_deleted_while_in_use_is_broken_until_it_is_back(path, named):
    write(path)
    policies = PolicyFile(path, named)
    policies.current()
    path.unlink()
    broken(policies, "no such file")
    write(path)
    assert day(policies) == 5_000_000


def test_a_policy_that_breaks_stops_everything_until_it_is_mended(path):
    write(path)
    policies = PolicyFile(path)
    policies.current()
    path.write_text("version = 1\n[budget]\nusd_per_dya = 5\n")
    broken(policies, "did you mean usd_per_day?")
    broken(policies, "did you mean usd_per_day?")
    write(path, 6)
    assert day(policies) == 6_000_000


def test_a_policy_that_breaks_and_is_put_back_is_itself_again(path):
    write(path)
    policies = PolicyFile(path)
    first = policies.current()
    path.write_text("")
    broken(policies, "has no version")
    write(path)
    assert policies.current() == first


@posix
@pytest.mark.parametrize("place", ["file", "folder", "folder above"])
def test_a_policy_that_anybody_can_change_is_nobodys_word(path, place):
    write(path)
    policies = PolicyFile(path)
    policies.current()
    open_door = {"file": path, "folder": path.parent, "folder above": path.parent.parent}[place]
    mode = open_door.stat().st_mode
    open_door.chmod(mode | 0o002)
    broken(policies, f"chmod o-w {open_door}")
    open_door.chmod(mode)
    assert day(policies) == 5_000_000


@posix
def test_a_folder_like_tmp_where_nobody_can_touch_the_files_of_others_will_do(path):
    write(path)
    path.parent.chmod(0o1777)
    assert day(PolicyFile(path)) == 5_000_000


@posix
def test_a_link_is_as_good_as_both_the_folders_it_joins(path, tmp_path):
    write(path)
    links = tmp_path / "links"
    links.mkdir()
    link = links / "policy.toml"
    link.symlink_to(path)
    policies = PolicyFile(link)
    assert day(policies) == 5_000_000
    links.chmod(0o777)
    broken(policies, str(links))
    links.chmod(0o755)
    path.parent.chmod(0o777)
    broken(policies, str(path.parent))


@posix
def test_a_link_that_leads_nowhere_is_a_policy_that_is_missing_and_not_none(path):
    path.parent.mkdir()
    path.symlink_to(path.parent / "gone.toml")
    broken(PolicyFile(path), "no such file")


@posix
def test_a_link_to_itself_cannot_be_read(path):
    path.parent.mkdir()
    path.symlink_to(path)
    broken(PolicyFile(path), "cannot be read")


def test_a_folder_that_is_a_file_is_no_sign_that_nobody_wrote_a_policy(path):
    path.parent.write_text("")
    broken(PolicyFile(path), "cannot be read")


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_policy_that_may_not_be_read_is_broken(path):
    write(path)
    path.chmod(0)
    broken(PolicyFile(path), "permission denied")
    path.chmod(0o600)
    path.parent.chmod(0)
    broken(PolicyFile(path), "permission denied")
    path.parent.chmod(0o700)


@pytest.mark.parametrize("data", [b"\xff\xfeversion = 1", b"version = 1 # \xe9"])
def test_text_that_is_not_utf_8_is_broken(path, data):
    path.parent.mkdir()
    path.write_bytes(data)
    broken(PolicyFile(path), "not UTF-8 text")


def test_a_byte_order_mark_that_an_editor_left_is_no_part_of_it(path):
    write(path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert day(PolicyFile(path)) == 5_000_000


def test_a_huge_file_is_broken_before_it_is_parsed(path):
    write(path)
    policies = PolicyFile(path)
    path.write_bytes(path.read_bytes().ljust(LARGEST_FILE, b"\n"))
    assert day(policies) == 5_000_000
    with path.open("ab") as file:
        file.write(b"\n")
    broken(policies, "larger than a policy can be")


def test_a_directory_in_its_place_is_no_policy(path):
    path.mkdir(parents=True)
    broken(PolicyFile(path), "is not a file")


@posix
def test_what_is_no_file_is_never_waited_on(path):
    path.parent.mkdir()
    os.mkfifo(path)
    broken(PolicyFile(path), "is not a file")
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        try:
            listening.bind(str(path))
        except OSError:
            pytest.skip("the path is too long for a socket here")
        broken(PolicyFile(path), "is not a file")


def test_what_is_read_is_what_was_written_even_when_nested_beyond_reason(path):
    path.parent.mkdir()
    path.write_text("version = 1\nx = " + "[" * 100_000)
    broken(PolicyFile(path), "nested too deeply")
