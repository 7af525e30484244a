"""`sirtui topup RUN`: evaluate an iteration and M_1 some more, and spend an extra look on it."""

from __future__ import annotations

import argparse
import sys

from sirtui import supervise
from sirtui.cli import judged, waiting
from sirtui.cli.looking import named
from sirtui.core.errors import UsageError
from sirtui.core.labels import short
from sirtui.core.spec import Topup
from sirtui.core.verdict import Sign, VerdictRecord
from sirtui.store import Store

_MOST, _MOST_ASKED = 8, 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """RUN, --it, --times, --wait."""
    parser.add_argument("run", metavar="RUN", help="a run's name, id, a beginning of its name, or latest")
    parser.add_argument("--it", metavar="IT", help="the iteration (default: the last with a verdict)")
    parser.add_argument("--times", type=int, metavar="K", help="how many more evaluations (default: as many as would decide it)")
    parser.add_argument("--wait", action="store_true", help="stay until it is done, with progress on stderr")


def call(asked: argparse.Namespace) -> int:
    """Add to the run's plan, and set it going."""
    if asked.times is not None and not 1 <= asked.times <= _MOST_ASKED:
        raise UsageError(f"--times {asked.times} is out of range", f"Expected a whole number from 1 to {_MOST_ASKED}.")
    store = Store(asked.store)
    (run,) = named(store, asked.run)
    record = judged.verdict_on(run, judged.iteration(asked.it) if asked.it is not None else None)
    times = asked.times or enough(record)
    supervise.top_up(run, Topup(record.t, times))
    sys.stderr.write(f"it{record.t} and it1 are evaluated {times} more time{'' if times == 1 else 's'}; this is an extra look\n")
    sys.stdout.write(f"{run.name}\n")
    sys.stdout.flush()
    return waiting.wait(store, run.name, sys.stderr) if asked.wait else 0


def enough(record: VerdictRecord) -> int:
    """As many further evaluations as would decide what is undecided among target and essentials.

    Raises:
        UsageError: nothing is undecided, or no number of samples would help, or it takes very many.
    """
    cells = [cell for cell in record.cells if cell.role in ("target", "essential") and cell.verdict is Sign.UNDECIDED]
    if not cells:
        raise UsageError(f"nothing is undecided at it{record.t}: {record.text}", "--times K draws more all the same.")
    wanted = [cell.needed.evaluations for cell in cells if cell.needed and cell.needed.evaluations]
    told = "; ".join(f"{short(cell.key)} {cell.needed.text}" for cell in cells if cell.needed)
    if not wanted:
        raise UsageError(f"more samples would decide nothing at it{record.t}", f"{told}.")
    if max(wanted) > _MOST:
        raise UsageError(f"it would take {max(wanted)} more evaluations", f"{told}. Say --times K if you mean it.")
    return max(wanted)
