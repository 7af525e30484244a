"""The experiments of a file, one or many, checked before anything of them starts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from sirtui.cli.checked import check_names, check_settings
from sirtui.core.matrix import load_all
from sirtui.core.spec import Spec, wrong
from sirtui.supervise.gpus import gpus


def all_checked(path: Path) -> tuple[Spec, ...]:
    """The experiments in a file, with everything they name found, in the order in which they are to run.

    Raises:
        SpecError: something is wrong with one of them; nothing was started or written.
    """
    specs = load_all(path)
    seen: set[bytes] = set()
    for spec in specs:
        key = msgspec.json.encode(msgspec.structs.replace(spec, name="any", seed=0))
        if key not in seen:
            check_names(spec, str(path) if len(specs) == 1 else f"{path} ({spec.name})")
        seen.add(key)
    return specs


def all_settings_checked(specs: Sequence[Spec], file: str) -> bool:
    """Ask the training interpreter about the trainers' settings, once for all that have the same; whether it could be asked.

    Raises:
        SpecError: it does not take them.
    """
    distinct = {msgspec.json.encode(spec.train): spec for spec in specs}
    return all(check_settings(spec, file) for spec in distinct.values())


def check_machine(specs: Sequence[Spec], file: str) -> None:
    """Whether this machine can ever give a run what it wants.

    Raises:
        SpecError: it has fewer GPUs.
    """
    found, _ = gpus() if specs[0].resources.gpus > 1 else ((), "")
    if found and specs[0].resources.gpus > len(found):
        problem = f"{specs[0].resources.gpus}, but this machine has {len(found)}"
        raise wrong(file, "resources.gpus", problem, f"at most {len(found)}")
