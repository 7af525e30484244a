"""`sirtui prune RUN ...`: delete checkpoints that nothing needs any more, and what attempts have left behind."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sirtui.cli import asking
from sirtui.cli.looking import named
from sirtui.cli.text import table
from sirtui.core import files
from sirtui.core.errors import UsageError
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.run import RunRecord, evaluation_id
from sirtui.core.spec import Spec
from sirtui.core.text import clean
from sirtui.store import Store
from sirtui.supervise.retention import Prunable, delete, prunable, prune, set_aside, staying
from sirtui.supervise.room import written


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN ..., --all, --dry-run, --yes."""
    parser.add_argument("runs", nargs="*", metavar="RUN", help="a run's name, id, a beginning of its name, or latest")
    parser.add_argument("--all", action="store_true", help="every run of the store, and damaged copies of the index")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go, and why")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def call(asked: argparse.Namespace) -> int:
    """Say what goes, what stays, and what that frees; ask; delete."""
    asked.all = asked.all or (asked.dry_run and not asked.runs)
    if bool(asked.runs) == asked.all:
        raise UsageError("prune which runs?", "Name one or more, or say --all; --dry-run tells what would go.")
    store = Store(asked.store)
    found = {run: prunable(run, _spec(run)) for run in _runs(store, asked)}
    aside = set_aside(store.folder) if asked.all else ()
    for run in found:
        _tell_what_stays(run)
    every = [*(each for one in found.values() for each in one), *aside]
    if not every:
        sys.stdout.write("nothing to prune\n")
        return 0
    sys.stdout.write(_told(store.folder, every))
    sys.stdout.flush()
    if asked.dry_run or not _may(asked, len(every)):
        return 0 if asked.dry_run else 1
    freed = sum(prune(run, which) for run, which in found.items()) + delete(aside)
    sys.stdout.write(f"{written(freed)} freed\n")
    return 0


def _may(asked: argparse.Namespace, count: int) -> bool:
    """Whether someone says so.

    Raises:
        UsageError: there is nobody to ask.
    """
    if asked.yes:
        return True
    if not asking.at_terminal():
        raise UsageError("nothing was deleted: there is nobody to ask", "Say --yes to delete without a question, or --dry-run.")
    return asking.agreed(f"Delete {'this' if count == 1 else f'these {count}'}?")


def _runs(store: Store, asked: argparse.Namespace) -> list[RunFolder]:
    """The runs that were asked for, each once; of all only those whose run.json can be read."""
    if asked.all:
        names = sorted(path.name for path in store.folder.runs.glob("*") if path.name[:1].isalnum())
        return [run for run in map(store.folder.run, names) if files.find_record(run.record, RunRecord)]
    return named(store, *asked.runs)


def _spec(run: RunFolder) -> Spec:
    return files.read_record(run.record, RunRecord).spec


def _tell_what_stays(run: RunFolder) -> None:
    """One line a run: which checkpoints stay, and why."""
    stays = staying(run, _spec(run))
    reasons = dict.fromkeys(stays.values())
    parts = [f"{', '.join(evaluation_id(t) for t in stays if stays[t] == why)} ({clean(why, 200)})" for why in reasons]
    if parts:
        sys.stdout.write(f"{run.name} keeps {'; '.join(parts)}\n")


def _told(store: StoreFolder, which: Sequence[Prunable]) -> str:
    rows = [(_where(store, each.path), written(each.bytes), each.reason) for each in which]
    head = ("goes", "frees", "why")
    lines = table([(row[0], row[2], row[1]) for row in (head, *rows)], left=2)
    return f"{lines}\nin all at least {written(sum(each.bytes for each in which))}\n"


def _where(store: StoreFolder, path: Path) -> str:
    """By run and stage, or its name in the store."""
    inside = path.relative_to(store.path)
    return str(inside.relative_to("runs")) if inside.parts[0] == "runs" else str(inside)
