"""A played store: a run of five iterations that reverses at the third, with gaps, failures and hostile names among its runs.

`python tests/tui/play.py [--ascii]` shows it live on the terminal.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from msgspec import structs

from sirtui.core.errors import NotFound
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.machine import Machine
from sirtui.core.rule import Declared
from sirtui.core.run import Kind, Stage, Status
from sirtui.core.verdict import Keep, Part, Sign, State, VerdictRecord
from sirtui.core.verdict import Kind as Verdict
from sirtui.store.rows import Cell, IterationRow, MeasureRow, RunRow, RunVerdict, RunView, StageRow

CREATED = 1_790_000_000.0
NAN = float("nan")
HOSTILE = "evil\x1b]52;c;cHduZWQ=\x07[bold red]x[/]\x1b[2J\r\n\x9b31m\u202e"
HEADLINES = {
    "pass@1.greedy": (0.471, 0.498, 0.512, 0.519, 0.522),
    "pass@1.sampled": (0.460, 0.491, 0.509, 0.513, 0.515),
    "diversity.ngram.correct": (0.68, 0.61, 0.50, 0.44, 0.41),
    "diversity.equations.correct": (0.52, 0.50, 0.43, 0.37, 0.35),
    "diversity.semantic.correct": (0.31, 0.29, 0.27, NAN, 0.22),
    "ood.accuracy": (0.341, 0.340, 0.312, 0.298, 0.290),
}
OTHERS = {
    **{f"pass@{2**k}": tuple(0.46 + 0.05 * k + 0.004 * t * (3 - k) for t in range(5)) for k in range(1, 6)},
    **{f"coverage.{name}": (0.71, 0.70, 0.66, 0.61, 0.60) for name in ("mass_train", "mass_test", "any")},
    **{f"diversity.{name}.incorrect": (0.81, 0.80, 0.74, 0.70, 0.69) for name in ("ngram", "semantic", "equations")},
    **{f"ood.accuracy.level_{level}": tuple(0.6 - 0.1 * level - 0.01 * t for t in range(5)) for level in range(1, 6)},
    "ood.disparity": (0.32, 0.33, 0.36, 0.38, 0.39),
    "sets.gained": (0, 61, 88, 97, 101),
    "sets.lost": (0, 22, 27, 31, 33),
    "answers.unparsed": (0.012, 0.008, 0.007, 0.007, 0.006),
    "answers.ended": (0.991, 0.995, 0.996, 0.997, 0.997),
    "answers.length": (181.2, 176.0, 168.3, 160.9, 158.8),
}
VALUES = HEADLINES | OTHERS
LOWER = ("ood.disparity", "sets.lost", "answers.unparsed")


def measures() -> tuple[MeasureRow, ...]:
    """The measures of the play, in the order in which they first appeared."""
    directions = {key: -1 if key in LOWER else 0 if key == "answers.length" else 1 for key in VALUES}
    return tuple(MeasureRow(key, directions[key], unit(key)) for key in VALUES)


def unit(key: str) -> str:
    """In what a measure is told."""
    name = key.partition(".")[0]
    return {"diversity": "", "sets": "problems"}.get(name, "tokens" if key == "answers.length" else "share")


TARGET = "pass@1.sampled"
NGRAM, OOD = "diversity.ngram.correct", "ood.accuracy"
ESSENTIAL = ("pass@16", NGRAM, "diversity.semantic.correct", "diversity.equations.correct", OOD)
WATCH = ("pass@1.greedy", "answers.unparsed", "answers.length")
RULE = Declared("A reversal is pass@1.sampled up while any of its essentials is down against M_1.", "1a2b3c4d5e6f")
ADVICE = "coverage 0.71, above one half: DPO or SFT-DPO led to the best model in the paper's rows of that kind"
PARTS = (
    Part("judge", State.OK, "unparsed 1.2 -> 0.7 %"),
    Part("format", State.OK, "pass@1 +4.9 = answered +0.5, correct when answered +4.4"),
    Part("null", State.OK, "M_1 evaluated 3 times, no alarm"),
    Part("contamination", State.OK, "no test problem occurs in training"),
    Part("power", State.OK, "1319 problems: a change of 2.1 points of pass@1 is seen 4 times in 5"),
)
KEEP = Keep(2, 0.491, 0.031, 0.487, 0.029, "highest pass@1 with nothing essential lost; it3 lost ngram, OOD")


def cells(t: int, *, judged: bool = False) -> dict[str, Cell]:
    """What was measured at iteration `t`; with the verdict on each."""
    found = {key: _cell(key, values, t) for key, values in VALUES.items()}
    return {key: _judged(key, cell, t) for key, cell in found.items()} if judged and t > 1 else found


def _judged(key: str, cell: Cell, t: int) -> Cell:
    role = "target" if key == TARGET else "essential" if key in ESSENTIAL else "watch" if key in WATCH else "shown"
    half = 0.013 if key == OOD else 0.019
    cell = replace(cell, role=role, lo95=(cell.change or 0) - half, hi95=(cell.change or 0) + half, p=0.4)
    if role == "shown":
        return cell
    sign = Sign.UP if key == TARGET else Sign.DOWN if key in (NGRAM, OOD) and t > 2 else Sign.UNDECIDED
    p = 0.4 if sign is Sign.UNDECIDED else 0.03 if t < 4 else 0.002
    trend = {Sign.UP: "improving", Sign.DOWN: "declined"}.get(sign, str(sign))
    return replace(cell, verdict=str(sign), trend=trend, p=p)


def record(t: int, kind: Verdict | None, names: tuple[str, ...] = (), text: str = "", **more: object) -> VerdictRecord:
    """A verdict as the index has it."""
    return VerdictRecord(t, 1, "it01", RULE, kind, names, text, validity=PARTS if kind else (), **more)


def verdict(t: int) -> VerdictRecord:
    """The verdict on the run that plays: a gain, then a reversal."""
    if t == 1:
        return record(1, None, advice=ADVICE)
    if t == 2:
        text = "gain, undecided: ngram (needs 2,000 problems)"
        return record(2, Verdict.GAIN_UNDECIDED, (NGRAM,), text, keep=replace_keep(reason="highest pass@1, nothing lost"))
    return record(t, Verdict.REVERSAL, (NGRAM, OOD), "reversal: ngram, OOD", keep=KEEP)


def replace_keep(**changed: object) -> Keep:
    """Which checkpoint to keep, changed so."""
    return structs.replace(KEEP, **changed)


def _cell(key: str, values: tuple[float, ...], t: int) -> Cell:
    value = values[t - 1]
    if t == 1:
        return Cell(value, 0.0137, 1319)
    return Cell(value, 0.0137, 1319, value - values[0], 0.0112, 1319, against="it01")


class Play:
    """A `Source`. `step` goes one step on; `follow` tells of it."""

    def __init__(self, root: Path, *, others: int = 2, judged: bool = True) -> None:
        self.folder = StoreFolder(root)
        self.name = "nano-sft-dpo-k3x9"
        self.moment, self.steps, self.caught_up, self.looked, self.asked = 0, 40, 0, 0, 0
        self._others, self._judged = others, judged
        self._told = threading.Condition()

    # what a source answers

    def problems(self) -> tuple[str, ...]:
        """All is well."""
        return ()

    def catch_up(self) -> bool:
        """Count how often it was asked for."""
        self.caught_up += 1
        return True

    def version(self) -> int:
        """Where the play is; each look begins with this."""
        self.looked += 1
        return self.moment

    def runs(self) -> tuple[RunRow, ...]:
        """The run that plays, and others."""
        self.asked += 1
        return (self.row(), *self.others())

    def run(self, name: str) -> RunView:
        """One run."""
        if name == self.name:
            return self.view()
        for row in self.others():
            if row.name == name:
                return self.still(row)
        raise NotFound(f"no run is called {name!r}")

    def close(self) -> None:
        """Nothing to close."""

    def follow(self, folder: StoreFolder, stop: threading.Event) -> Iterator[None]:
        """Tell of each step."""
        seen = -1
        while not stop.is_set():
            with self._told:
                self._told.wait_for(lambda now=seen: self.moment != now, timeout=0.1)
            if self.moment != seen:
                seen = self.moment
                yield

    # the play

    def step(self, steps: int = 1) -> None:
        """Go on."""
        with self._told:
            self.moment += steps
            self._write_log()
            self._told.notify_all()

    @property
    def t(self) -> int:
        """The iteration at work."""
        return min(5, 1 + self.moment // self.steps)

    @property
    def done(self) -> int:
        """How far its training is."""
        return 50 * (self.moment % self.steps)

    def folder_of(self, name: str) -> RunFolder:
        """A run's folder."""
        return self.folder.run(name)

    def log(self, t: int | None = None) -> Path:
        """The log of an iteration's training."""
        return self.folder.run(self.name).stage(Stage(t or self.t, Kind.TRAIN)).attempt(1).log

    def _write_log(self) -> None:
        path = self.log()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            for number in range(20):
                loss = 2 / (1 + self.done + number)
                file.write(f"14:02:{number:02} INFO  step={self.done + number} loss={loss:.4f} rewards/margins=1.84\n".encode())

    def row(self) -> RunRow:
        """The run that plays, as it is listed."""
        return RunRow(
            self.name, "nano", Status.RUNNING, "sft-dpo", "nano", "models/nano", 0, 5, CREATED, t=self.t,
            stage=f"it{self.t:02}/train", done=self.done, total=2000, unit="step", eta=float(2000 - self.done) / 10,
            verdict=self._verdict(),
        )  # fmt: skip

    def _verdict(self) -> RunVerdict | None:
        found = verdict(self.t - 1) if self._judged and self.t > 2 else None
        if found is None or found.kind is None:
            return None
        return RunVerdict(found.kind, found.names, found.past_peak, found.text, max(0, self.t - 3), 2)

    def others(self) -> tuple[RunRow, ...]:
        """Runs that stand still: one failed, with a hostile name; one finished."""
        known = (
            RunRow("gsm8k-llama3-dpo-a1b2", HOSTILE, Status.FAILED, "dpo", "gsm8k", "meta-llama/Meta-Llama-3-8B", 0, 5,
                   CREATED - 90_000, CREATED - 80_000, t=3, reason="CUDA out of memory: tried to allocate 2.50 GiB",
                   hint="Halve [train.dpo] per_device_train_batch_size, then resume."),
            RunRow("nano-frozen-z9y8", "nano", Status.FINISHED, "frozen", "nano", "models/nano", 1, 5, CREATED - 200_000,
                   CREATED - 190_000, t=5),
        )  # fmt: skip
        more = tuple(
            replace(known[1], name=f"older-{number:03}", created=CREATED - 1e6 - number) for number in range(self._others)
        )
        return (known + more)[: self._others]

    def view(self) -> RunView:
        """The run that plays, in full."""
        iterations = tuple(self._iteration(t) for t in range(1, 6))
        repeats = (IterationRow(1, 2, "sft", Status.FINISHED, cells={"pass@1.sampled": Cell(0.463, 0.0136, 1319)}),)
        return RunView(self.row(), iterations, repeats if self.t > 1 else (), measures(), self._stages(), RULE)

    def _iteration(self, t: int) -> IterationRow:
        trainer = "sft" if t == 1 else "dpo"
        if t < self.t:
            checkpoint, found = f"it{t:02}/train/checkpoint", cells(t, judged=self._judged)
            judged = verdict(t) if self._judged else None
            return IterationRow(t, 1, trainer, Status.FINISHED, checkpoint=checkpoint, cells=found, verdict=judged)
        if t > self.t:
            return IterationRow(t, 1, trainer, Status.WAITING)
        loss = NAN if self.done % 500 == 0 else 2 / (1 + self.done)
        scalars = {"learning_rate": 1e-6, "loss": loss, "rewards/margins": 1.84, "epoch": 0.5, "grad_norm": float("inf")}
        return IterationRow(t, 1, trainer, Status.RUNNING, "train", self.done, 2000, "step", scalars=scalars)

    def _stages(self) -> tuple[StageRow, ...]:
        found = []
        for t in range(1, self.t):
            for number, kind in enumerate(Kind):
                began = CREATED + 1000 * t + 100 * number
                found.append(
                    StageRow(
                        f"it{t:02}/{kind}", t, 1, kind, Status.FINISHED, 1, began, began + 90, seconds=90.0, cpu_seconds=80.0
                    )
                )
        t = self.t
        found.append(
            StageRow(
                f"it{t:02}/train",
                t,
                1,
                Kind.TRAIN,
                Status.RUNNING,
                1,
                CREATED + 1000 * t,
                done=self.done,
                total=2000,
                unit="step",
            )
        )
        return tuple(found)

    def still(self, row: RunRow) -> RunView:
        """A run that stands still, with one measure hostile and one stage failed."""
        if row.status is not Status.FAILED:
            done = tuple(IterationRow(t, 1, "frozen", Status.FINISHED, cells=cells(t)) for t in range(1, 6))
            return RunView(row, done, (), measures(), ())
        rows = (
            IterationRow(1, 1, "sft", Status.FINISHED, cells={**cells(1), HOSTILE: Cell(float("inf"), NAN, 3)}),
            IterationRow(2, 1, HOSTILE, Status.FINISHED, cells=cells(2)),
            IterationRow(3, 1, "dpo", Status.FAILED, "train"),
            IterationRow(4, 1, "dpo", Status.WAITING),
        )
        stage = StageRow("it03/train", 3, 1, Kind.TRAIN, Status.FAILED, 2, CREATED, CREATED, reason=row.reason, hint=row.hint)
        sampled = StageRow("it02/sample", 2, 1, Kind.SAMPLE, Status.FINISHED, 1, CREATED - 9, CREATED, seconds=12.0)
        return RunView(row, rows, (), (*measures(), MeasureRow(HOSTILE, 0, HOSTILE)), (sampled, stage))


def write_logs(play: Play) -> None:
    """Logs for the run that failed, hostile ones."""
    for stage, attempt in ((Stage(3, Kind.TRAIN), 2), (Stage(2, Kind.SAMPLE), 1)):
        path = play.folder.run("gsm8k-llama3-dpo-a1b2").stage(stage).attempt(attempt).log
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"14:0{number}:00 INFO  sampled {number * 100} of 1319 problems" for number in range(9)]
        bar = "\r".join(f" {percent}%|{'#' * (percent // 5):<20}| {percent}/100" for percent in range(0, 80, 5))
        path.write_text(
            "\n".join([*lines, HOSTILE, "\x1b[31mred\x1b[0m [link=x]markup[/] \x00", bar, "Traceback: OutOfMemoryError"])
        )


def main() -> None:
    """Show the play live."""
    import argparse
    import tempfile

    from sirtui.tui.app import SirtuiApp

    options = argparse.ArgumentParser()
    options.add_argument("--ascii", action="store_true")
    options.add_argument("--unjudged", action="store_true", help="there are no verdicts")
    options.add_argument("--still", action="store_true", help="nothing happens")
    options.add_argument("--every", type=float, default=0.5, help="seconds between steps")
    options.add_argument("--others", type=int, default=2, help="how many runs stand still beside the one that plays")
    options.add_argument("--run", help="the run to show first")
    options.add_argument("--at", type=int, default=145, help="how many steps were taken before")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        play = Play(Path(folder), others=asked.others, judged=not asked.unjudged)
        write_logs(play)
        play.step(asked.at)
        if not asked.still:
            threading.Thread(target=_go_on, args=(play, asked.every), daemon=True).start()
        no_gpu = Machine("box7", (), "no GPU here: the NVIDIA driver is not installed", 2, (play.name, play.name))
        app = SirtuiApp(play, asked.run, ascii=asked.ascii, follow=play.follow, look=lambda _store: no_gpu)
        app.run(mouse=False)
    sys.exit(app.return_code or 0)


def _go_on(play: Play, every: float) -> None:
    while True:
        time.sleep(every)
        play.step()


if __name__ == "__main__":
    main()
