"""What a stage needs beside its inputs, and in what order it is asked for.

A result that is there already is linked; a stage that another run makes right now is waited for, without a GPU; then the
run takes its place on the machine, room on the disk is looked for, and the stage is claimed: so nobody waits in a circle.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from contextlib import suppress

from sirtui.core import files
from sirtui.core.errors import SirtuiError
from sirtui.core.layout import RunFolder, StoreFolder
from sirtui.core.run import Kind, Manifest, Stage
from sirtui.core.spec import Spec
from sirtui.supervise import retention
from sirtui.supervise.launchers import Granted
from sirtui.supervise.queue import Place
from sirtui.supervise.room import Room
from sirtui.supervise.sharing import Sharing
from sirtui.supervise.telemetry import Telemetry

PLACED = (Kind.TRAIN, Kind.SAMPLE, Kind.MEASURE)
"""The kinds of stage that wait for GPUs or CPUs: two load the model, one an embedder."""


class Means:
    """Those of one run, asked for by its supervisor."""

    def __init__(self, run: RunFolder, spec: Spec, now: Callable[[], float] = time.time) -> None:
        self._run, self._spec = run, spec
        store = StoreFolder(run.path.parent.parent)
        self._place = Place(store, run, spec, now=now)
        self._sharing = Sharing(store, run, spec, now=now)
        self._telemetry = Telemetry(run, self._place, now=now)
        self._room = Room(run.path)

    @property
    def slots(self) -> tuple[str, ...]:
        """The GPUs or CPUs it has."""
        return self._place.slots

    def key(self, stage: Stage) -> str:
        """What names all that goes into a stage."""
        return self._sharing.key(stage)

    def link(self, stage: Stage) -> bool:
        """Take the result from where it was made already; whether there was one."""
        return bool(self._sharing.link(stage))

    def missing(self, stage: Stage, *, idle: bool) -> str:
        """What the stage waits for, in a sentence; empty where it can start: then it is this run that makes it.

        Where nothing of the run is at work (`idle`) it holds up nobody meanwhile.

        Raises:
            SirtuiError: it would wait in vain.
        """
        why = self._elsewhere(stage)
        if why and idle:
            self._place.leave()
            self._place.release()
        if not why and stage.kind in PLACED:
            why = self._place.take() or (self._place.settled() if idle else "")
        if not why and not self._sharing.claim(stage):
            why = f"waits for {stage.id}: another run makes the same right now"
        return why

    def _elsewhere(self, stage: Stage) -> str:
        """What is missing that no turn would give."""
        if maker := self._sharing.maker(stage):
            return f"waits for {stage.id}: {maker} makes the same right now"
        return self._room.missing(self._usual_bytes(stage))

    def _usual_bytes(self, stage: Stage) -> int:
        """What the newest stage of this kind has left; 0 where there was none: then it begins, and waits when it must."""
        for t in range(stage.t, 0, -1):
            if manifest := files.find_record(self._run.stage(Stage(t, stage.kind)).manifest, Manifest):
                return sum(file.bytes for file in manifest.files)
        return 0

    def granted(self, stage: Stage) -> Granted:
        """What the stage gets of the machine: the run's GPUs or CPUs; none where it needs none."""
        claim = self._sharing.descriptor(stage)
        claims = () if claim is None else (claim,)
        if stage.kind not in PLACED:
            return Granted({}, claims)
        return Granted(self._place.environment, (*self._place.descriptors, *claims))

    def launched_not(self, stage: Stage) -> None:
        """Take note that the stage was not started after all."""
        self._sharing.release(stage)

    def ended(self, stage: Stage, *, done: bool) -> None:
        """Take note of the end of a stage."""
        if done:
            self._sharing.publish(stage)
        self._sharing.release(stage)
        if done and stage.kind is Kind.VERDICT and self._spec.resources.retain == "keep+last":
            retention.retain(self._run, self._spec)

    def publish(self, stage: Stage) -> None:
        """Let others have a result that was finished while no supervisor lived."""
        self._sharing.publish(stage)

    def found_no_room(self) -> None:
        """Take note that something ended because the disk was full."""
        self._room.ran_out()

    def spare(self, left: Collection[Stage]) -> None:
        """Give back what none of the stages that are left can use."""
        if not any(stage.kind in PLACED for stage in left):
            self._place.leave()
            self._place.release()

    def release(self) -> None:
        """Give back all that others may wait for, and wait no more."""
        self._place.leave()
        self._place.release()
        self._sharing.release_all()

    def watch(self, running: Collection[Stage]) -> None:
        """Take note of what the machine does; and line up for what stages of an earlier supervisor still hold."""
        if any(stage.kind in PLACED for stage in running):
            with suppress(SirtuiError):  # told when a stage asks for it
                self._place.take()
        self._telemetry.sample([stage.id for stage in running])
