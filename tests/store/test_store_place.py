"""Where the index lies, by what is mounted; and that a store works with its index elsewhere."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from builders import make_run

from sirtui.core.errors import StoreError
from sirtui.store import Store, place

MOUNTS = """\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
30 27 0:40 / /home rw,relatime - nfs4 server:/home rw,vers=4.2
31 30 0:41 / /home/ann/local rw - xfs /dev/vdb rw
32 27 0:42 / /mnt/two\\040words\\134x rw,relatime - cifs //server/share rw
33 27 0:43 / /data rw - ext4 /dev/vdc rw
34 27 0:44 / /data rw master:2 propagate_from:1 - fuse.sshfs ann@host:/data rw
35 27 0:45 / /database rw - tmpfs tmpfs rw

36 garbage
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/var/lib", "ext4"),
        ("/home", "nfs4"),
        ("/home/ann/sirtui", "nfs4"),
        ("/home/ann/local/sirtui", "xfs"),
        ("/home/ann/locals", "nfs4"),
        ("/homes/ann", "ext4"),
        ("/mnt/two words\\x/s", "cifs"),
        ("/data/s", "fuse.sshfs"),
        ("/database/s", "tmpfs"),
        ("/proc/1", "proc"),
    ],
)
def test_the_longest_mount_above_a_path_counts(path, kind):
    """By whole names, and of two mounts at one place the one on top; odd names come escaped."""
    assert place.file_system(Path(path), MOUNTS) == kind


@pytest.mark.parametrize("mountinfo", ["", "garbage\n - \n - nfs\n1 2 3 4 - nfs x\n"])
def test_where_nothing_is_told_nothing_is_known(mountinfo):
    """No kernel that we know tells so: the store is taken to be local."""
    assert place.file_system(Path("/home"), mountinfo) == ""
    assert not place.on_network(Path("/home"), mountinfo)


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "lustre", "gpfs", "beegfs", "ceph", "9p", "afs"])
def test_network_file_systems_are_known(kind):
    """And local ones are not among them."""
    assert place.on_network(Path("/s"), f"27 1 254:0 / /s rw - {kind} x rw")
    assert not {"ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", "fuseblk"} & place.NETWORK


def network(*paths: Path) -> str:
    """The mounts of a machine on which these are network file systems."""
    return "27 1 254:0 / / rw - ext4 /dev/vda rw\n" + "".join(f"28 27 0:9 / {path} rw - nfs4 s:/ rw\n" for path in paths)


def test_on_a_local_disk_the_index_lies_in_the_store(tmp_path):
    """Beside what it is made from."""
    assert place.index_folder(tmp_path / "store", {}, network()) == tmp_path / "store"


def test_on_a_network_disk_the_index_lies_in_the_cache(tmp_path):
    """In a folder of its own for each store, whatever way leads there."""
    home, data = tmp_path / "home", tmp_path / "data"
    data.mkdir()
    (tmp_path / "way").symlink_to(data)
    told = {"XDG_CACHE_HOME": str(home)}
    folders = [place.index_folder(tmp_path / name, told, network(data)) for name in ("data/a", "data/b", "way/a")]
    assert {folder.parent for folder in folders} == {home / "sirtui"}
    assert folders[0] == folders[2] != folders[1]


def test_where_the_cache_is_on_the_network_too_the_index_is_temporary(tmp_path):
    """As homes on clusters are; where someone else's folder is in the way, there is none."""
    home, temporary = tmp_path / "home", tmp_path / "tmp"
    told = {"XDG_CACHE_HOME": str(home / "cache"), "TMPDIR": str(temporary)}
    folder = place.index_folder(home / "store", told, network(home))
    assert folder.parent.parent == temporary
    folder.parent.parent.mkdir()
    folder.parent.symlink_to(tmp_path)
    with pytest.raises(StoreError, match="no local disk"):
        place.index_folder(home / "store", told, network(home))


def test_a_store_on_a_network_disk_keeps_nothing_of_its_index_there(tmp_path, monkeypatch):
    """Index, companions and lock are elsewhere, for their owner alone; another store finds them."""
    root, cache = tmp_path / "store", tmp_path / "cache"
    (tmp_path / "mounts").write_text(network(root))
    monkeypatch.setattr(place, "_MOUNTS", tmp_path / "mounts")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    run = make_run(root).finish("it01/train")
    store = Store(root)
    assert (store.catch_up(), store.catch_up(), len(store.runs())) == (True, False, 1)
    assert [path.name for path in root.iterdir()] == ["runs"]
    assert store.database.is_relative_to(cache / "sirtui")
    assert stat.S_IMODE(store.database.parent.stat().st_mode) == 0o700
    store.close()
    again = Store(root)
    assert again.run(run.name).run.name == run.name
    again.reindex()
    assert again.database == store.database
    again.close()


def test_the_folder_of_the_index_may_be_said(tmp_path):
    """For whoever knows better."""
    make_run(tmp_path / "store")
    store = Store(tmp_path / "store", index=tmp_path / "index")
    store.catch_up()
    store.close()
    assert (tmp_path / "index" / "sirtui.db").exists()
