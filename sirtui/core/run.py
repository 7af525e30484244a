"""A run, its stages and their states, and the small files that tell of them."""

from __future__ import annotations

import re
from enum import StrEnum
from hashlib import sha256
from typing import Any

import msgspec

from sirtui.core.errors import NotFound
from sirtui.core.rule import Declared
from sirtui.core.spec import Spec


class Kind(StrEnum):
    """The five kinds of stage, in the order an iteration goes through them."""

    TRAIN = "train"
    SAMPLE = "sample"
    JUDGE = "judge"
    MEASURE = "measure"
    VERDICT = "verdict"

    @property
    def holds_model(self) -> bool:
        """Whether a stage of this kind loads the model being improved, and so wants the GPU."""
        return self in (Kind.TRAIN, Kind.SAMPLE)


class Stage(msgspec.Struct, frozen=True, order=True):
    """One step of one iteration.

    `repeat` > 1 is M_t evaluated again: M_1 as the measured null, any by a topup; a verdict's is how many evaluations of
    M_t it rests on.
    """

    t: int
    kind: Kind
    repeat: int = 1

    @property
    def id(self) -> str:
        """`it03/train`, `it01/repeat-2/sample`: also its folder within the run's."""
        return f"{evaluation_id(self.t, self.repeat)}/{self.kind}"

    @classmethod
    def parse(cls, text: str) -> Stage:
        """The stage with this id.

        Raises:
            NotFound: `text` is no stage id.
        """
        found = _STAGE_ID.fullmatch(text)
        if not found:
            raise NotFound(f"no stage is called {text!r}", "Stages are called like it03/train or it01/repeat-2/sample.")
        return cls(int(found["t"]), Kind(found["kind"]), int(found["repeat"] or 1))


_STAGE_ID = re.compile(rf"it(?P<t>[0-9]{{1,6}})/(?:repeat-(?P<repeat>[0-9]{{1,6}})/)?(?P<kind>{'|'.join(Kind)})")


def evaluation_id(t: int, repeat: int = 1) -> str:
    """`it03`, or `it01/repeat-2` for M_1 evaluated again."""
    return f"it{t:02}" if repeat == 1 else f"it{t:02}/repeat-{repeat}"


class Status(StrEnum):
    """How a run or a stage stands.

    Lost: it ended with nobody to see it. Orphaned: it lives on, but whoever watched it is gone: a run without its supervisor, a
    stage without its guard.
    """

    WAITING = "waiting"
    RUNNING = "running"
    STOPPING = "stopping"
    FINISHED = "finished"
    FAILED = "failed"
    STOPPED = "stopped"
    PAUSED = "paused"
    LOST = "lost"
    ORPHANED = "orphaned"

    @property
    def alive(self) -> bool:
        """Whether something is, or soon will be, at work, under someone's eyes."""
        return self in (Status.WAITING, Status.RUNNING, Status.STOPPING)


class Origin(msgspec.Struct, frozen=True):
    """Where a run came from: the experiment file, the code, the machine."""

    file: str = ""
    commit: str = ""
    versions: dict[str, str] = {}
    host: str = ""
    hardware: str = ""


class RunRecord(msgspec.Struct, frozen=True):
    """`run.json`: what a run is, written before anything starts. `created` is seconds since the epoch.

    `rule`: by what its iterations are judged, as it was then; nothing writes it again. Of the rest a topup alone changes
    something: the spec's `topups`. `sweep`: what the runs made by one `[matrix]` have in common, empty for a run by itself.
    """

    id: str
    spec: Spec
    created: float
    origin: Origin = Origin()
    rule: Declared | None = None
    sweep: str = ""
    schema: int = 1

    @property
    def name(self) -> str:
        """The folder's name: `<experiment name>-<id>`."""
        return f"{self.spec.name}-{self.id}"


class Process(msgspec.Struct, frozen=True):
    """Who a process is, across reuse of its number: host, boot id, pid, and start time in clock ticks since boot."""

    host: str
    boot: str
    pid: int
    ticks: int
    started: float


class StateRecord(msgspec.Struct, frozen=True):
    """`state.json`: who works at an attempt: the guard, and the process it watches."""

    guard: Process
    payload: Process


class SupervisorRecord(msgspec.Struct, frozen=True):
    """`supervisor.json`: who walks the plan, or how the walk ended (`status` is then not alive).

    WAITING, with a reason, while it waits for its turn, for GPUs or for room on the disk. `held`: it ended at a verdict that
    someone has to answer. `slots`: the GPUs (by UUID) or CPUs it has.
    """

    process: Process
    status: Status = Status.RUNNING
    reason: str = ""
    hint: str = ""
    ended: float | None = None
    held: bool = False
    slots: tuple[str, ...] = ()


class JobRecord(msgspec.Struct, frozen=True):
    """`job.json`: one attempt at a stage, written before it is launched. `run` is the run's folder.

    `key` names all that goes in (`core.inputs`): what an earlier attempt left may be used where it had the same one.
    """

    run: str
    stage: Stage
    attempt: int
    spec: Spec
    created: float
    key: str = ""


STOPPED = "stopped"
"""The reason of an attempt that ended because it was asked to: no failure."""
NO_ROOM = 74
"""The exit code of an attempt that found the disk full (EX_IOERR): it is made again when there is room."""


class ExitRecord(msgspec.Struct, frozen=True):
    """`exit.json`: how an attempt ended; nothing of it lives any more. `code` as a shell would give it, negative for a signal.

    `swept`: how many processes it had left behind, which its guard ended. In `word.json` it is the stage's own word, before
    its process ended.
    """

    code: int
    ended: float
    reason: str = ""
    hint: str = ""
    swept: int = 0


class FileRecord(msgspec.Struct, frozen=True):
    """One file of a finished stage."""

    path: str
    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """`manifest.json`: a stage is finished when this exists. Hashes of what went in, and of every file that came out.

    `inputs` maps the ids of the stages it was made from to their manifests' digests; `settings` is what else decided the
    result. `key` names all that went in (`core.inputs`): stages with equal keys have equal results. `origin`: the stage
    (`RUN/it01/train`) whose result this is, where it was not made here; empty where it was.
    """

    stage: str
    attempt: int
    ended: float
    seconds: float
    cpu_seconds: float
    inputs: dict[str, str]
    settings: dict[str, Any]
    files: tuple[FileRecord, ...]
    versions: dict[str, str] = {}
    key: str = ""
    origin: str = ""

    def digest(self, under: str = "") -> str:
        """The sha256 of its files' names and contents (of those `under` a folder): the same for the same results."""
        named = sorted((file.path, file.sha256) for file in self.files if file.path.startswith(under))
        return sha256(msgspec.json.encode(named)).hexdigest()
