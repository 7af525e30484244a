"""Starting runs: where they come from is recorded with them."""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sirtui.cli.looking import look
from sirtui.core.layout import RunFolder
from sirtui.core.rule import declared, rule
from sirtui.core.run import Origin, RunRecord
from sirtui.core.spec import Spec
from sirtui.recipes.declare import resolved
from sirtui.store import Store
from sirtui.supervise import create, launch_supervisor
from sirtui.supervise import start as start_run

_RECORDED = ("sirtui", "torch", "transformers", "trl", "tokenizers", "datasets", "sentence-transformers", "vllm")


def start(store: Store, spec: Spec, file: Path | None) -> RunFolder:
    """Make the run's folder and launch its supervisor; `file` is the experiment file, None for an embedded one.

    The rule by which it is judged is written out, and down with it.
    """
    run = start_run(store.folder, resolved(spec), origin(file), now=time.time)
    look(store)
    return run


def start_all(store: Store, specs: Sequence[Spec], file: Path) -> Iterator[RunFolder]:
    """Start the experiments of a file, one after the other: so they are created, and wait, in this order.

    Several have a sweep in common. What was started before one could not be goes on.
    """
    sweep = secrets.token_hex(3) if len(specs) > 1 else ""
    source = origin(file)
    for spec in map(resolved, specs):
        record = RunRecord(secrets.token_hex(3), spec, time.time(), source, declared(rule(spec)), sweep)
        run = create(store.folder, record)
        launch_supervisor(run)
        yield run
    look(store)


def origin(file: Path | None) -> Origin:
    """The experiment file, its git commit, the libraries' versions, and this machine."""
    return Origin(
        file=str(file.resolve()) if file else "",
        commit=_commit(file.resolve().parent) if file else "",
        versions={"python": platform.python_version(), **_versions()},
        host=platform.node(),
        hardware=f"{platform.machine()}, {os.cpu_count()} CPUs",
    )


def _versions() -> dict[str, str]:
    found = {}
    for name in _RECORDED:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _commit(folder: Path) -> str:
    """The commit checked out in `folder`, `+` behind it where files differ; empty where git knows none."""
    described = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        return subprocess.run(described, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
