"""What a run does when an iteration lost something for sure: `verdicts.on_reversal`."""

from __future__ import annotations

from collections.abc import Iterator

from sirtui.core import files
from sirtui.core.layout import RunFolder
from sirtui.core.plan import looks
from sirtui.core.spec import Spec
from sirtui.core.verdict import Answered, VerdictRecord


def unanswered(run: RunFolder, spec: Spec) -> VerdictRecord | None:
    """The first verdict that holds the run: an alarm that nobody said to go on after; None where it goes on anyway."""
    if spec.verdicts.on_reversal == "continue":
        return None
    answered = files.find_record(run.answered, Answered) or Answered()
    return next((record for record in _alarms(run, spec) if not _lost(record) <= set(answered.known)), None)


def answer(run: RunFolder, spec: Spec) -> None:
    """Say to go on, whatever is lost so far."""
    lost = set[str]().union(*map(_lost, _alarms(run, spec)))
    before = files.find_record(run.answered, Answered) or Answered()
    if not lost <= set(before.known):
        files.write_record(run.answered, Answered(tuple(sorted(lost | set(before.known)))))


def why_held(record: VerdictRecord) -> str:
    """The reason that the run tells."""
    return f"it{record.t}: {record.text}"


def _alarms(run: RunFolder, spec: Spec) -> Iterator[VerdictRecord]:
    """Of several looks at an iteration the last counts."""
    for t in range(2, spec.iterations + 1):
        found = (files.find_record(run.verdict(t, look), VerdictRecord) for look in reversed(looks(spec, t)))
        record = next(filter(None, found), None)
        if record and record.kind and record.kind.alarm:
            yield record


def _lost(record: VerdictRecord) -> set[str]:
    return {record.kind or "", *record.names}
