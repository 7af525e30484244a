"""The commands, one file each: the only room that knows all the others.

Nothing heavy is imported before a command needs it: `sirtui` must paint its first frame at once.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

from sirtui import __version__
from sirtui.core.errors import SirtuiError, UsageError
from sirtui.core.layout import default_store
from sirtui.core.text import clean, clean_block, without_passwords

COMMANDS = {
    "demo": "run the embedded nano loop: a real reversal on a laptop",
    "run": "start an experiment; prints the run's name",
    "check": "say what an experiment would run, and what is wrong with it",
    "status": "what runs, waits, failed",
    "show": "all measures of a run, by iteration",
    "verdict": "progress or regress? with what it rests on, against any reference, for groups of seeds",
    "explain": "how the verdict on one measure came about, and what would change it",
    "topup": "draw more samples of an iteration and look once more",
    "logs": "print or follow the log of a stage",
    "stop": "stop a run and its stages",
    "resume": "go on with a run that stopped, failed or was lost",
    "prune": "delete the checkpoints that nothing needs any more",
    "doctor": "what this machine can and cannot do, and what to do about it",
    "reindex": "rebuild the index from the run folders",
    "supervise": "",
}
"""Name and help; one without help is not for people."""
_LONGEST = 255


def main(argv: Sequence[str] | None = None) -> int:
    """The `sirtui` command: a subcommand, or the screen. Returns the exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without arrows is no reason to fail
    asked = _parsed(given)
    try:
        if asked.store.exists() and not asked.store.is_dir():
            raise UsageError(f"{asked.store} is no folder", "--store and $SIRTUI_STORE name a folder.")
        return int(asked.call(asked))
    except SirtuiError as error:
        sys.stderr.write(f"sirtui: {clean_block(without_passwords(str(error)))}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        where = f"{clean(os.fsdecode(error.filename))}: " if isinstance(error.filename, str | bytes | os.PathLike) else ""
        sys.stderr.write(f"sirtui: {where}{error.strerror or clean(str(error))}\n")
        return 1


def _parsed(given: Sequence[str]) -> argparse.Namespace:
    """What was asked for; of the commands only the one that is wanted is imported."""
    parser, commands = _parser()
    wanted = parser.parse_known_args([word for word in given if word not in ("-h", "--help")])[0].command
    if wanted is not None:
        module = importlib.import_module(f"sirtui.cli.{wanted}")
        _add_store(commands[wanted], argparse.SUPPRESS)
        module.add_arguments(commands[wanted])
        commands[wanted].set_defaults(call=module.call)
    return parser.parse_args(given)


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser, and the still empty ones of the commands."""
    parser = argparse.ArgumentParser(
        prog="sirtui", description="Run self-improvement loops and see whether each iteration is progress or regress."
    )
    parser.add_argument("--version", action="version", version=f"sirtui {__version__}")
    _add_store(parser, str(default_store(os.environ)))
    parser.add_argument("--ascii", action="store_true", help="draw with ASCII signs only")
    parser.set_defaults(call=_screen, run=None)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    return parser, {
        name: commands.add_parser(name, help=told, description=told) if told else commands.add_parser(name)
        for name, told in COMMANDS.items()
    }


def _add_store(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument(
        "--store",
        type=_folder,
        default=default,
        metavar="DIR",
        help="where runs are kept (default: $SIRTUI_STORE, else ~/.local/share/sirtui)",
    )


def _folder(text: str) -> Path:
    """A folder that can be: not the working directory for want of a name, nothing that a terminal would obey."""
    path = Path(text)
    if not text or clean(text) != text or any(len(os.fsencode(part)) > _LONGEST for part in path.parts):
        raise argparse.ArgumentTypeError(f"{clean(text, 80)!r} is no name of a folder")
    return path


def _screen(asked: argparse.Namespace) -> int:
    from sirtui.cli.screen import call

    return call(asked)
