"""`sirtui check FILE`: what a file's experiments would run, how long by earlier runs, how much disk; nothing is started."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sirtui.cli import looking, planned
from sirtui.cli.sweeps import all_checked, all_settings_checked, check_machine
from sirtui.cli.text import folded, terminal_width
from sirtui.core.matrix import varying
from sirtui.core.plan import plan
from sirtui.core.rule import declared, rule
from sirtui.core.spec import Spec
from sirtui.recipes.declare import resolved
from sirtui.recipes.locate import locate
from sirtui.store import Store
from sirtui.supervise.gpus import look


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """FILE."""
    parser.add_argument("file", type=Path, metavar="FILE", help="an experiment file (TOML)")


def call(asked: argparse.Namespace) -> int:
    """Print what would happen."""
    specs = all_checked(asked.file)
    check_machine(specs, str(asked.file))
    known = all_settings_checked(specs, str(asked.file))
    store = Store(asked.store)
    looking.look(store)
    answers, settings = planned.Answers(), "taken by the trainers"
    told = [
        *_experiments(specs),
        ("answers", answers.told(specs)),
        ("settings", settings if known else "not checked: the trainers' libraries are not installed here"),
        *(("rule", text) for text in dict.fromkeys(map(_rule, specs))),
        ("a reversal", _REVERSAL[specs[0].verdicts.on_reversal]),
        *(("disk", text) for text in planned.disk(specs, answers.bytes(specs), asked.store)),
        ("time", planned.time(specs, answers, store)),
        ("machine", planned.machine(specs, look(store.folder))),
    ]
    sys.stdout.write(folded("\n".join(f"{name:<11} {text}" for name, text in told), terminal_width()) + "\n")
    return 0


def _experiments(specs: Sequence[Spec]) -> list[tuple[str, str]]:
    """What would run: one in detail, of several what tells them apart."""
    spec, stages = specs[0], sum(len(plan(spec)) for spec in specs)
    at_once = f"{spec.resources.parallel} at once that hold a model"
    if len(specs) == 1:
        return [
            ("experiment", f"{spec.name}: {' -> '.join(spec.trainers)} on {spec.task}, seed {spec.seed}"),
            ("base model", locate(spec.base_model)),
            ("stages", f"{stages}, {at_once}"),
        ]
    return [
        ("runs", f"{len(specs)}, a process each: {', '.join(spec.name for spec in specs)}"),
        *((key, ", ".join(dict.fromkeys(_value(spec, key) for spec in specs))) for key in varying(specs)),
        ("stages", f"{stages} in all, in each run {at_once}"),
    ]


def _value(spec: Spec, key: str) -> str:
    return spec.method_name if key == "method" else str(getattr(spec, key))


def _rule(spec: Spec) -> str:
    said = declared(rule(resolved(spec)))
    return f"{said.sentence} [{said.hash}]"


_REVERSAL = {
    "continue": "is shown; the run goes on",
    "pause": "pauses the run until `sirtui resume`",
    "stop": "ends the run",
}
