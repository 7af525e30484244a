"""What a supervisor says of itself: `supervisor.json`, written when something of it changed, also on a full disk."""

from __future__ import annotations

from sirtui.core import files
from sirtui.core.layout import RunFolder
from sirtui.core.run import Process, Status, SupervisorRecord


class Word:
    """The word of `process`, who walks the plan of `run`."""

    def __init__(self, run: RunFolder, process: Process) -> None:
        self._run, self._process = run, process
        self._said: SupervisorRecord | None = None
        self._file = files.Reserve(run.supervisor)

    def say(  # noqa: PLR0913 - a record's fields
        self,
        status: Status,
        reason: str = "",
        hint: str = "",
        *,
        ended: float | None = None,
        held: bool = False,
        slots: tuple[str, ...] = (),
    ) -> bool:
        """Write how the run stands; whether that is news."""
        record = SupervisorRecord(self._process, status, reason, hint, ended, held, slots)
        if record == self._said:
            return False
        self._file.write(record)
        self._said = record
        return True
