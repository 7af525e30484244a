"""Where the person sits: the terminal, tmux, what happens when they log out; and Slurm."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from sirtui.cli.doctoring.finding import Finding, Ground, Sign, ask


def terminal(ground: Ground) -> Finding:
    """What the screen can be drawn with."""
    if not sys.stdout.isatty():
        return Finding(Sign.OK, "none here: this goes to a file or another program")
    kind, encoding = os.environ.get("TERM", ""), (sys.stdout.encoding or "").lower()
    columns, lines = shutil.get_terminal_size()
    found = f"{kind or 'TERM is not set'}, {_colours(kind)}, {encoding}, {columns}x{lines}"
    if kind in ("", "dumb"):
        return Finding(
            Sign.WARN, found, "The screen needs a real terminal; the commands do not. Set TERM, to xterm-256color say."
        )
    if not encoding.startswith("utf"):
        return Finding(Sign.WARN, found, "Signs and lines are drawn in ASCII: export LANG=C.UTF-8 for the others.")
    return Finding(Sign.OK, found)


def _colours(kind: str) -> str:
    if os.environ.get("NO_COLOR"):
        return "no colours (NO_COLOR)"
    if os.environ.get("COLORTERM", "") in ("truecolor", "24bit"):
        return "16 million colours"
    return "256 colours" if "256color" in kind or "direct" in kind else "16 colours"


def multiplexer(ground: Ground) -> Finding:
    """What stands around the terminal, tmux or screen: what it lets through of copying and of the mouse."""
    if os.environ.get("TMUX"):
        return _tmux()
    if os.environ.get("STY"):
        advice = "Text copied in the screen does not reach your clipboard, and colours may be few: tmux does both."
        return Finding(Sign.WARN, "GNU screen", advice)
    if os.environ.get("SSH_CONNECTION"):
        return Finding(Sign.OK, "none, over SSH: use one or not, runs outlive the terminal anyway")
    return Finding(Sign.OK, "none")


def _tmux() -> Finding:
    version = ask("tmux", "-V")
    if not version.fine:
        return Finding(
            Sign.WARN, f"tmux does not answer: {version.trouble}", "Is the variable TMUX left over from another machine?"
        )
    asked = {"set-clipboard": "-sv", "allow-passthrough": "-gwv", "mouse": "-gv"}
    values = {name: ask("tmux", "show-options", how, name).text or "not there" for name, how in asked.items()}
    advice = [] if values["set-clipboard"] == "on" else ["To copy from the screen (OSC 52): tmux set -s set-clipboard on."]
    advice += [] if values["mouse"] == "on" else ["To use the mouse in the screen: tmux set -g mouse on."]
    found = f"{version.text}, " + ", ".join(f"{name} {value}" for name, value in values.items())
    return Finding(Sign.WARN if advice else Sign.OK, found, " ".join(advice))


_LOGIND = ("etc/systemd", "run/systemd", "usr/local/lib/systemd", "usr/lib/systemd")
_UNITS = "systemd-run --user --scope sirtui run FILE"


def logout(ground: Ground) -> Finding:
    """Whether systemd ends a person's processes, or takes their shared memory, when they log out."""
    if not (ground.root / "run/systemd/system").is_dir():
        return Finding(Sign.OK, "no systemd: nothing ends your processes")
    killed, cleared = _logind(ground, "KillUserProcesses", default="no"), _logind(ground, "RemoveIPC", default="yes")
    lingers, person = _lingers(ground), os.geteuid() >= _FIRST_PERSON
    found = f"KillUserProcesses={killed}, RemoveIPC={cleared}, lingering {'on' if lingers else 'off'}"
    apart = "/user@" in ground.text("proc/self/cgroup")
    if killed == "yes" and os.geteuid() and not (lingers and apart):
        advice = f"Your runs are killed when you log out. `loginctl enable-linger`, then start them by `{_UNITS}`."
        return Finding(Sign.WARN, found, advice)
    if cleared == "yes" and person and not lingers:
        advice = "Your processes lose their shared memory when you log out (workers of data loaders): `loginctl enable-linger`."
        return Finding(Sign.WARN, found, advice)
    return Finding(Sign.OK, found)


_FIRST_PERSON = 1000
"""The first user id of a person: systemd leaves the shared memory of those below alone."""


def _logind(ground: Ground, name: str, default: str) -> str:
    """A setting of logind, as it says itself, else by its files; `default` where none has it. `yes` or `no`."""
    said = ask("loginctl", "show-user", f"--property={name}") if ground.root == Path("/") else None
    value = said.text.partition("=")[2] if said and said.fine else ""
    return _truth(value or _written(ground, name) or default)


def _written(ground: Ground, name: str) -> str:
    """What the files say: drop-ins in the order of their names over the main file, `/etc` over the others."""
    dropped: dict[str, str] = {}
    for folder in reversed(_LOGIND):
        for file in (ground.root / folder / "logind.conf.d").glob("*.conf"):
            dropped[file.name] = f"{folder}/logind.conf.d/{file.name}"
    main = next((f"{folder}/logind.conf" for folder in _LOGIND if ground.text(f"{folder}/logind.conf")), "")
    value = ""
    for path in (main, *(dropped[key] for key in sorted(dropped))):
        for line in ground.text(path).splitlines() if path else ():
            key, equals, said = line.partition("=")
            value = said.strip() if equals and key.strip() == name else value
    return value


def _truth(value: str) -> str:
    return "yes" if value.lower() in ("yes", "true", "on", "1", "y", "t") else "no"


def _lingers(ground: Ground) -> bool:
    import pwd

    try:
        name = pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return False
    return (ground.root / "var/lib/systemd/linger" / name).exists()


def slurm(ground: Ground) -> Finding:
    """Whether Slurm's commands are there."""
    return Finding(Sign.OK, "there" if shutil.which("sbatch") else "none")
