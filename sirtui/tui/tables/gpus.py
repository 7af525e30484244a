"""The GPUs: how full and how busy each is, who of us has it, and who else computes on it. Without any, the CPU slots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from math import isfinite

from sirtui.core.machine import Gpu, GpuProcess, Machine
from sirtui.core.text import clean
from sirtui.tui.figures import bar, gibibytes
from sirtui.tui.looking import Seen
from sirtui.tui.paint import DIM, FAIL, STRONG, Line, line
from sirtui.tui.tables.jobs import run_of
from sirtui.tui.tables.table import Column, Row, Table

_BAR = 8
_COLUMNS = (
    Column("sign", gap=0, least=1),
    Column("gpu", "gpu", gap=1, right=True),
    Column("name", "name", drop=2, flex=True, least=8),
    Column("bar", "", drop=4),
    Column("memory", "GiB", right=True),
    Column("utilization", "util", right=True, drop=1),
    Column("temperature", "temp", right=True, drop=5),
    Column("power", "power", right=True, drop=6),
    Column("holder", "used by", flex=True, least=34),
)


def gpus_table(seen: Seen) -> Table:
    """A row a GPU, and below it one for each process that is not the work of its holder; or why there are none."""
    if seen.machine is None:
        return Table(_COLUMNS, (), seen.problem or "looking ...")
    if not seen.machine.gpus:
        return Table(_COLUMNS, (), "\n".join(sentences(seen.machine)))
    rows = [row for gpu in seen.machine.gpus for row in _rows(gpu)]
    if seen.machine.problem:
        rows.append(Row("problem", (*[line("")] * 8, line(clean(seen.machine.problem, 200), FAIL))))
    return Table(_COLUMNS, tuple(rows))


def gpus_title(seen: Seen) -> str:
    """What the pane is about: `GPUs of box7`; without any `CPU slots of box7`."""
    if seen.machine is None:
        return "GPUs"
    slots = not seen.machine.gpus and _slots(seen.machine)
    host = clean(seen.machine.host, 40)
    return f"{'CPU slots' if slots else 'GPUs'}{f' of {host}' if host else ''}"


def _slots(machine: Machine) -> int:
    return len(machine.cpu_holders) or machine.cpus


def sentences(machine: Machine) -> Iterator[str]:
    """Who has the CPU slots, `2 CPU slots: both held by nano-ab12cd`, and last why there is no GPU."""
    if slots := _slots(machine):
        yield _slots_told(machine, slots)
    yield clean(machine.problem, 400) or "no GPU here"


def _slots_told(machine: Machine, slots: int) -> str:
    held = Counter(holder for holder in machine.cpu_holders if holder)
    free = slots - held.total()
    told = [f"{_share(count, slots)}held by {clean(run, 80)}" for run, count in held.items()]
    rest = [f"{free} free"] if held and free else ["free"] if free else []
    return f"{slots} CPU slot{'' if slots == 1 else 's'}: {', '.join([*told, *rest])}"


def _share(count: int, slots: int) -> str:
    if count < slots:
        return f"{count} "
    return {1: "", 2: "both "}.get(slots, f"all {slots} ")


def _rows(gpu: Gpu) -> Iterator[Row]:
    """The GPU, and who computes on it beside the run that has it."""
    used, total = gpu.memory_used, gpu.memory_total
    full = used / total if used is not None and total else None
    cells: tuple[Line, ...] = (
        line("!", FAIL) if gpu.problem else line("▸", STRONG) if gpu.holder else line(""),
        line(str(gpu.index), STRONG),
        line(clean(gpu.name.removeprefix("NVIDIA "), 40)),
        line(bar(full, _BAR), DIM),
        line("" if used is None and total is None else f"{gibibytes(used)}/{gibibytes(total)}"),
        line(_rounded(gpu.utilization and 100 * gpu.utilization, "%")),
        line(_rounded(gpu.temperature, "C")),
        line(_rounded(gpu.power, "W")),
        _used_by(gpu),
    )
    yield Row(f"GPU {gpu.index}", cells, gpu)
    for process in gpu.processes:
        if not process.job or run_of(process.job) != gpu.holder:
            yield _beside(gpu, process)


def _rounded(value: float | None, unit: str) -> str:
    return "" if value is None or not isfinite(value) else f"{value:.0f}{unit}"


def _used_by(gpu: Gpu) -> Line:
    """What is wrong with it, else the run that has it and the stage at work there."""
    if gpu.problem:
        return line(clean(gpu.problem, 200), FAIL)
    jobs = sorted({process.job for process in gpu.processes if process.job and run_of(process.job) == gpu.holder})
    if gpu.holder:
        return line(clean(" ".join(jobs) or gpu.holder, 120))
    return line("" if gpu.processes else "free", DIM)


def _beside(gpu: Gpu, process: GpuProcess) -> Row:
    """A process that is someone else's, or was left behind by a stage of ours."""
    name, user = clean(process.name.rpartition("/")[2], 40), clean(process.user, 20)
    who = f"{name}{f' of {user}' if user else ''} (pid {process.pid})".strip()
    told = line(f"left by {clean(process.job, 80)}: {who}", FAIL) if process.job else line(f"not ours: {who}")
    memory = line("" if process.memory is None else gibibytes(process.memory))
    return Row(f"GPU {gpu.index}/{process.pid}", (*[line("")] * 4, memory, *[line("")] * 3, told), process)
