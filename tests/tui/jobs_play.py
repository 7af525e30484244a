"""A play of many jobs: some need someone, some work, some wait; on three GPUs, or on none."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from play import HOSTILE, NGRAM, OOD, Play

from sirtui.core.layout import StoreFolder
from sirtui.core.machine import Gpu, GpuProcess, Machine, Waiting
from sirtui.core.run import Kind, Stage, Status
from sirtui.core.verdict import Kind as Verdict
from sirtui.store.rows import RunRow, RunVerdict, RunView, StageRow

GIB = 2**30
NAME = "nano-sft-dpo-k3x9"
LOST, ORPHANED, PAIR = "gsm8k-dpo-0dd5", "math-sft-0a0a", "csqa-sft-77aa"
FIRST, SECOND = "mbpp-sft-1111", "mbpp-dpo-2222"
OLD = 200_000.0
H100 = "NVIDIA H100 80GB HBM3"


def machine() -> Machine:
    """Three GPUs: one of ours, one with someone else's process as well and one that a run of ours left, one that is gone."""
    ours = GpuProcess(4000, "python", "me", 61 * GIB, f"{NAME}/it04/train")
    others = GpuProcess(4711, "/usr/bin/python3", "alice", 12 * GIB)
    left = GpuProcess(4242, "VLLM::EngineCore", "me", 33 * GIB, f"{LOST}/it02/sample")
    return Machine(
        "box7",
        (
            Gpu(0, "GPU-a", H100, 80 * GIB, 62 * GIB, 0.97, 64.0, 612.3, (ours,), NAME),
            Gpu(1, "GPU-b", H100, 80 * GIB, 46 * GIB, 0.31, 48.0, 180.0, (others, left)),
            Gpu(2, "GPU-c", H100, problem="is lost: the driver cannot reach it (see dmesg)"),
        ),
        cpus=64,
        queue=(
            Waiting(FIRST, 1_789_999_000.0, 2, 0, "waits for 1 of 2 GPUs: GPU 1 has 34 GiB of 80 free"),
            Waiting(SECOND, 1_789_999_100.0, 1, 0),
        ),
    )


def no_gpu() -> Machine:
    """A machine without any."""
    return Machine("box7", (), "no GPU here: the NVIDIA driver is not installed", 2, (NAME, NAME))


def hostile_machine() -> Machine:
    """Where every text would take over the terminal."""
    process = GpuProcess(1, HOSTILE, HOSTILE, 5 * GIB)
    left = GpuProcess(2, HOSTILE, HOSTILE, None, f"{HOSTILE}/it01/train")
    gpus = (
        Gpu(0, HOSTILE, HOSTILE, 1, 2, float("nan"), None, None, (process, left), HOSTILE),
        Gpu(1, "b", HOSTILE, problem=HOSTILE),
    )
    return Machine(HOSTILE, gpus, queue=(Waiting(FIRST, 1.0, 1, 1, HOSTILE),))


class JobsPlay(Play):
    """The play beside others: one failed, one lost, one orphaned, one with two stages at work, two that wait, some that ended."""

    def __init__(self, root: Path, *, seen: Machine | Callable[[], Machine] = machine) -> None:
        super().__init__(root, others=2)
        self.seen: Machine | Callable[[], Machine] = seen
        self.looks: list[float] = []
        self.began = time.time()

    def look(self, folder: StoreFolder) -> Machine:
        """What the machine looks like now."""
        self.looks.append(time.monotonic())
        return self.seen() if callable(self.seen) else self.seen

    def others(self) -> tuple[RunRow, ...]:
        """The runs that do not play."""
        failed, finished = super().others()
        lost = replace(
            failed,
            name=LOST,
            status=Status.LOST,
            ended=failed.created + 50,
            reason="the supervisor died",
            hint=f"sirtui resume {LOST}",
        )
        orphaned = replace(lost, name=ORPHANED, status=Status.ORPHANED, reason="its stage lives on, but its supervisor is gone")
        pair = replace(finished, name=PAIR, status=Status.RUNNING, t=2, ended=None, created=finished.created + 5)
        first = replace(pair, name=FIRST, status=Status.WAITING, t=1, reason="waits for 1 of 2 GPUs: GPU 1 has 34 GiB of 80 free")
        second = replace(first, name=SECOND, reason="", created=first.created - 10)
        judged = RunVerdict(Verdict.REVERSAL, (NGRAM, OOD), None, "reversal: ngram, OOD", 2, 2)
        done = replace(finished, name="nano-frozen-done", ended=self.began - 3600, verdict=judged)
        stopped = replace(
            done, name="nano-frozen-halt", status=Status.STOPPED, ended=self.began - 7200, reason="stopped", verdict=None
        )
        return (failed, lost, orphaned, pair, first, second, finished, done, stopped)

    def still(self, row: RunRow) -> RunView:
        """The stages of the others."""
        if row.name == PAIR:
            judge = StageRow(
                "it02/judge", 2, 1, Kind.JUDGE, Status.RUNNING, 1, row.created + 60, done=200, total=1319, unit="problems"
            )
            sample = StageRow(
                "it02/repeat-2/sample",
                2,
                2,
                Kind.SAMPLE,
                Status.RUNNING,
                1,
                row.created + 70,
                done=3,
                total=12,
                unit="shards",
                left=95,
            )
            return RunView(row, (), (), (), (judge, sample))
        if row.name == ORPHANED:
            train = StageRow("it01/train", 1, 1, Kind.TRAIN, Status.RUNNING, 2, row.created + 60)
            return RunView(row, (), (), (), (train,))
        if row.status in (Status.FAILED, Status.LOST):
            return (
                super().still(replace(row, status=Status.FAILED)) if row.status is Status.FAILED else RunView(row, (), (), (), ())
            )
        return RunView(row, (), (), (), ())

    def log_of(self, run: str, stage: Stage, attempt: int) -> Path:
        """A log in a stage's attempt."""
        path = self.folder.run(run).stage(stage).attempt(attempt).log
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
