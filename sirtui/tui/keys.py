"""Every key of the screen, in one table: bindings, help, the hints at the bottom and the README are made from it.

Never ctrl+a, ctrl+b, ctrl+s, ctrl+z (tmux, screen, flow control), never Alt, never a function key.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from textual.binding import Binding, BindingType


class Key(NamedTuple):
    """One thing that keys do: `where` they work, the Textual keys, the action, what help says, the hint at the bottom."""

    where: str
    keys: str
    action: str
    help: str
    hint: str = ""


PLACES: Final = {
    "everywhere": "Everywhere",
    "list": "In any list",
    "home": "On the Iterations screen",
    "runs": "In the list of runs",
    "iterations": "In the table of iterations",
    "measures": "In the measures of an iteration",
    "logs": "On the Logs screen",
    "log": "In a log",
    "jobs": "On the Jobs screen",
}

KEYS: Final = (
    Key("iterations", "enter", "screen.measures", "all measures of the iteration", "enter measures"),
    Key("iterations", "escape", "screen.runs", "back to the list of runs"),
    Key("runs", "enter", "screen.open", "look at the run's iterations", "enter open"),
    Key("runs", "escape", "screen.unfilter", "show all runs again"),
    Key("runs", "slash", "screen.filter", "filter the runs by name, status, verdict, task or method", "/ filter"),
    Key("runs", "s", "screen.sort", "sort: needs you first, newest, name", "s sort"),
    Key("measures", "escape", "screen.back", "back to the table", "esc back"),
    Key("measures", "right_square_bracket", "screen.iteration(1)", "next iteration", "[/] iteration"),
    Key("measures", "left_square_bracket", "screen.iteration(-1)", "previous iteration"),
    Key("home", "exclamation_mark", "alarm(1)", "next reversal or other loss", "! loss"),
    Key("home", "at", "alarm(-1)", "previous one"),
    Key("home", "f", "follow", "follow the log, or really pause it", "f follow"),
    Key("home", "X", "stop", "stop the run (asks)", "X stop"),
    Key("home", "R", "resume", "resume a failed, lost, stopped, paused or orphaned run (asks)", "R resume"),
    Key("log", "j,down", "scroll(1)", "down a line", "j/k move"),
    Key("log", "k,up", "scroll(-1)", "up a line, and pause"),
    Key("log", "ctrl+d,pagedown", "page(1)", "down half a page"),
    Key("log", "ctrl+u,pageup", "page(-1)", "up half a page, and pause"),
    Key("log", "g,home", "top", "to the beginning, and pause"),
    Key("log", "G,end", "bottom", "to the end, and follow", "G end"),
    Key("log", "f", "follow", "follow, or really pause", "f follow"),
    Key("log", "h,left", "pan(-8)", "to the left"),
    Key("log", "l,right", "pan(8)", "to the right"),
    Key("log", "0", "pan(-1000000)", "to the beginning of the line"),
    Key("log", "w", "wrap", "wrap long lines, or not", "w wrap"),
    Key("log", "slash", "search", "search (a capital letter makes case count)", "/ search"),
    Key("log", "n", "again(1)", "next place", "n/N next"),
    Key("log", "N", "again(-1)", "previous place"),
    Key("log", "y", "copy", "copy the top line by OSC 52"),
    Key("log", "escape", "clear", "forget the search"),
    Key("logs", "right_square_bracket", "step(1)", "next stage", "[/] stage"),
    Key("logs", "left_square_bracket", "step(-1)", "previous stage"),
    Key("jobs", "enter", "open", "the log of the stage; of a run with none at work, its iterations", "enter log"),
    Key("jobs", "X", "stop", "stop the run (asks); once more while it is stopping: end it now (asks)", "X stop"),
    Key("jobs", "R", "resume", "resume what failed, was lost, stopped, paused or orphaned (asks, with what changed)", "R resume"),
    Key("jobs", "plus", "start", "start an experiment: asks for its file", "+ start"),
    Key("jobs", "f", "follow", "follow the log, or really pause it", "f follow"),
    Key("list", "j,down", "move(1)", "down", "j/k move"),
    Key("list", "k,up", "move(-1)", "up"),
    Key("list", "h,left", "cell(-1)", "a cell to the left"),
    Key("list", "l,right", "cell(1)", "a cell to the right"),
    Key("list", "g,home", "edge(-1)", "to the first"),
    Key("list", "G,end", "edge(1)", "to the last"),
    Key("list", "ctrl+d,pagedown", "page(1)", "down half a page"),
    Key("list", "ctrl+u,pageup", "page(-1)", "up half a page"),
    Key("list", "y", "copy_cell", "copy the cell by OSC 52"),
    Key("list", "Y", "copy_row", "copy the row as JSON by OSC 52"),
    Key("everywhere", "1", "go('iterations')", "Iterations"),
    Key("everywhere", "4", "go('logs')", "Logs"),
    Key("everywhere", "5", "go('jobs')", "Jobs"),
    Key("everywhere", "tab", "focus_next", "next pane", "tab pane"),
    Key("everywhere", "shift+tab", "focus_previous", "previous pane"),
    Key("everywhere", "ctrl+r", "reload", "read everything again"),
    Key("everywhere", "question_mark", "help", "the keys that work here", "? help"),
    Key("everywhere", "q,ctrl+c", "leave", "leave; runs keep running", "q quit"),
)

TABS: Final = (("1", "iterations", "Iterations"), ("4", "logs", "Logs"), ("5", "jobs", "Jobs"))
_NAMES: Final = {
    "slash": "/",
    "question_mark": "?",
    "exclamation_mark": "!",
    "at": "@",
    "plus": "+",
    "right_square_bracket": "]",
    "left_square_bracket": "[",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


def bindings(where: str) -> list[BindingType]:
    """The Textual bindings of one place."""
    return [Binding(key.keys, key.action, key.help, show=False) for key in KEYS if key.where == where]


def written(key: Key) -> str:
    """The keys as a person writes them: `j ↓`."""
    return " ".join(_NAMES.get(one, one) for one in key.keys.split(","))


def hints(places: Iterable[str]) -> list[str]:
    """What the bottom line says for these places, the nearest first."""
    wanted = tuple(places)
    return [key.hint for place in wanted for key in KEYS if key.where == place and key.hint]


def markdown() -> str:
    """The key table for the README."""
    rows = ["| where | keys | what |", "|---|---|---|"]
    for place, title in PLACES.items():
        for key in KEYS:
            if key.where == place:
                pressed = " ".join(f"`{_NAMES.get(one, one)}`" for one in key.keys.split(","))
                rows.append(f"| {title} | {pressed} | {key.help} |")
    return "\n".join(rows) + "\n"
