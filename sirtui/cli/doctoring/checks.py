"""All checks in order, at the same time, each bounded in time; none can raise."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Thread

from sirtui.cli.doctoring import hardware, kernel, sandbox, session, software, storage
from sirtui.cli.doctoring.finding import Finding, Ground, Sign
from sirtui.core.text import clean

Check = Callable[[Ground], Finding]

CHECKS: Mapping[str, Check] = {
    "python": software.python,
    "sirtui": software.itself,
    "training": software.training,
    "vllm": software.vllm,
    "gpus": hardware.gpus,
    "cpus": hardware.cpus,
    "memory": hardware.memory,
    "shared memory": hardware.shared_memory,
    "sqlite": software.index,
    "store": storage.folder,
    "disk": storage.room,
    "file system": storage.file_system,
    "processes": kernel.processes,
    "limits": kernel.limits,
    "changes": kernel.notices,
    "sandbox": sandbox.sandbox,
    "terminal": session.terminal,
    "tmux": session.multiplexer,
    "logout": session.logout,
    "slurm": session.slurm,
}
"""Name and check, in the order in which they are told."""

PATIENCE_S = 5.0
"""How long all checks together may take."""


def findings(ground: Ground, checks: Mapping[str, Check] = CHECKS, patience_s: float = PATIENCE_S) -> dict[str, Finding]:
    """What each check found, within `patience_s` seconds. One that has not ended by then is left behind, and said to hang."""
    found: dict[str, Finding] = {}
    threads = [Thread(target=_look, args=(name, check, ground, found), daemon=True) for name, check in checks.items()]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + patience_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    ended = dict(found)
    return {name: ended.get(name) or _hanging(patience_s) for name in checks}


def _look(name: str, check: Check, ground: Ground, found: dict[str, Finding]) -> None:
    try:
        finding = check(ground)
    except Exception as error:  # noqa: BLE001 - whatever a strange machine does to a check is what it says of the machine
        finding = Finding(Sign.WARN, f"cannot be looked at: {type(error).__name__}: {error}", "Tell the authors of sirtui.")
    found[name] = Finding(finding.sign, clean(finding.found, 500), clean(finding.advice, 500))


def _hanging(patience_s: float) -> Finding:
    advice = "Something does not answer: a network disk that is gone, or a driver."
    return Finding(Sign.WARN, f"no answer in {patience_s:g} s", advice)
