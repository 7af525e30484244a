"""`sirtui demo`: the embedded nano loop, start to end, on whatever machine this is."""

from __future__ import annotations

import argparse
import sys
from importlib.resources import as_file, files

import msgspec

from sirtui.cli import show, starting, waiting
from sirtui.cli.checked import check_names
from sirtui.cli.placing import check_place
from sirtui.cli.screen import draws_signs
from sirtui.core.spec import load
from sirtui.store import Store


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--wait, --method, --seed."""
    parser.add_argument("--wait", action="store_true", help="print progress and the final table instead of opening the screen")
    parser.add_argument("--method", choices=["sft", "dpo", "sft-dpo", "frozen"], default="sft", help="default: sft")
    parser.add_argument("--seed", type=_natural, default=0, help="default: 0")


def _natural(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def call(asked: argparse.Namespace) -> int:
    """Start it; then the screen, or progress lines and the table."""
    check_place(asked.store)
    with as_file(files("sirtui.recipes.nano") / "nano.toml") as file:
        spec = load(file)
    really_runs = msgspec.structs.replace(spec.resources, share=False)
    spec = msgspec.structs.replace(spec, method=asked.method, seed=asked.seed, resources=really_runs)
    check_names(spec, "demo")
    store = Store(asked.store)
    run = starting.start(store, spec, None)
    if sys.stdin.isatty() and sys.stdout.isatty() and not asked.wait:
        from sirtui.tui import open_screen

        return open_screen(store, run.name, ascii=asked.ascii or not draws_signs())
    sys.stdout.write(f"{run.name}: {spec.iterations} iterations of {spec.method_name} on {spec.task}\n")
    code = waiting.wait(store, run.name, sys.stdout)
    sys.stdout.write(f"\n{show.as_text(store.run(run.name))}\n")
    return code
