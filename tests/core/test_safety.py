"""Whose a store is, and who else may write it."""

from __future__ import annotations

import os
import stat

import pytest

from sirtui.core.errors import StoreError
from sirtui.core.safety import check_store, is_ours, left_out, not_ours, user

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def mode(path) -> int:
    """Its permissions."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(("before", "after"), [(0o777, 0o700), (0o775, 0o700), (0o720, 0o700), (0o755, 0o755), (0o700, 0o700)])
def test_a_store_that_others_may_write_is_closed_and_that_is_told_once(tmp_path, before, after):
    """To read it may be meant."""
    path = tmp_path / "store"
    path.mkdir()
    path.chmod(before)
    told = check_store(path)
    assert mode(path) == after
    assert told == (f"{path} could be written by others (mode {before:04o}): it is 0700 now" if before != after else "")
    assert check_store(path) == ""


def test_the_folder_of_the_runs_is_closed_too(tmp_path):
    """Whoever may write it may put a run there."""
    (tmp_path / "store" / "runs").mkdir(parents=True)
    (tmp_path / "store" / "runs").chmod(0o777)
    assert str(tmp_path / "store" / "runs") in check_store(tmp_path / "store")
    assert mode(tmp_path / "store" / "runs") == 0o700


def test_a_store_that_is_not_there_yet_is_fine(tmp_path):
    """It will be made by whoever asks."""
    assert check_store(tmp_path / "store") == ""


@root_only
@pytest.mark.parametrize("of", ["store", "runs", "link"])
def test_a_store_of_someone_else_is_refused(tmp_path, of):
    """Also by root, whom nothing stops; and where someone else's link leads to one's own."""
    path = tmp_path / "store"
    (path / "runs").mkdir(parents=True)
    (tmp_path / "link").symlink_to(path)
    os.chown({"store": path, "runs": path / "runs", "link": tmp_path / "link"}[of], 65_000, -1, follow_symlinks=False)
    with pytest.raises(StoreError, match="belongs to user 65000") as caught:
        check_store(tmp_path / "link" if of == "link" else path)
    assert "--store" in caught.value.hint


def test_a_link_of_ones_own_may_lead_to_the_store(tmp_path):
    """To a larger disk, say."""
    (tmp_path / "store").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "store")
    assert check_store(tmp_path / "link") == ""


@root_only
def test_runs_that_are_links_or_someone_else_s_are_left_out(tmp_path):
    """They are told by name, with the reason; files and what is gone are not."""
    for name in ("mine-1", "other-2"):
        (tmp_path / name).mkdir()
    os.chown(tmp_path / "other-2", 65_000, -1)
    (tmp_path / "link-3").symlink_to(tmp_path / "mine-1")
    (tmp_path / "gone-4").symlink_to(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    assert list(left_out(tmp_path)) == ["link-3 is a link", "other-2 belongs to user 65000"]
    ours = {name: is_ours(tmp_path / name) for name in ("mine-1", "other-2", "link-3", "gone-4", "file", "nothing")}
    assert [name for name, is_it in ours.items() if is_it] == ["mine-1"]
    assert not_ours(tmp_path / "nothing") == ""
    assert list(left_out(tmp_path / "nothing")) == []


def test_users_are_told_by_name():
    """By number where there is no name."""
    assert (user(0), user(65_000)) == ("root", "user 65000")
