"""Where the index lies: in the store, or on local disk where the store lies on a network file system.

SQLite's WAL needs memory that all its readers share, and locks that hold: neither can be relied on across a network. Each
machine has an index of its own then; what it is made from is the same.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from sirtui.core.errors import StoreError
from sirtui.core.safety import not_ours

_KINDS = "9p acfs afs afpfs beegfs ceph cifs coda fhgfs gfs gfs2 glusterfs gpfs lustre ncpfs nfs nfs4 ocfs2 orangefs panfs"
_ODD = "prl_fs pvfs2 smb3 smbfs vboxsf wekafs"
_FUSE = "afp ceph ceph-fuse davfs2 gcsfuse glusterfs goofys juicefs mfs rclone s3fs smbnetfs sshfs"
NETWORK = frozenset((*_KINDS.split(), *_ODD.split(), *(f"fuse.{kind}" for kind in _FUSE.split())))
"""File systems that other machines may write too, as the kernel names them."""

_MOUNTS = Path("/proc/self/mountinfo")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def mounts() -> str:
    """What the kernel says is mounted; empty where it does not say."""
    try:
        return _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def file_system(path: Path, mountinfo: str) -> str:
    """The type of the file system that an absolute `path` lies on; empty where that is not told.

    Of the mounts above it that with the longest path counts, and of several at one place the last.
    """
    above = {"/", *(str(each) for each in (path, *path.parents))}
    best = ("", "")
    for place, kind in _mounted(mountinfo):
        if place in above and len(place) >= len(best[0]):
            best = (place, kind)
    return best[1]


def _mounted(mountinfo: str) -> Iterator[tuple[str, str]]:
    """Mount points and types, see proc(5): the type is the first field after the dash."""
    for line in mountinfo.splitlines():
        head, dash, tail = line.partition(" - ")
        fields, kind = head.split(" "), tail.split(" ")[0]
        if dash and len(fields) > 4:
            yield _ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[4]), kind


def on_network(path: Path, mountinfo: str | None = None) -> bool:
    """Whether what lies at `path`, or will, lies on a network file system."""
    return file_system(path.resolve(), mounts() if mountinfo is None else mountinfo) in NETWORK


def index_folder(root: Path, environment: Mapping[str, str] = os.environ, mountinfo: str | None = None) -> Path:
    """The folder of the index of the store at `root`: the store itself where that is local.

    Else `$XDG_CACHE_HOME/sirtui/<hash of the store's path>`, or where that is not local either, as homes on clusters are,
    `$TMPDIR/sirtui-<user>/<hash>`.

    Raises:
        StoreError: there is no local disk for it.
    """
    mountinfo = mounts() if mountinfo is None else mountinfo
    if not on_network(root, mountinfo):
        return root
    cache = Path(environment.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "sirtui"
    temporary = Path(environment.get("TMPDIR") or "/tmp") / f"sirtui-{os.geteuid()}"  # noqa: S108 (only where it is ours)
    for folder in (cache, temporary):
        if not on_network(folder, mountinfo) and not not_ours(folder):
            return folder / sha256(os.fsencode(root.resolve())).hexdigest()[:16]
    raise StoreError(
        f"{root} is on a network file system, and there is no local disk for its index",
        "Set XDG_CACHE_HOME to a folder of yours on a local disk.",
    )
