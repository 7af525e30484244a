"""Whether a sandbox can be made for programs that a model wrote."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from sirtui.cli.doctoring.finding import Answer, Finding, Ground, Sign, ask

_SANDBOX = (
    *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent", "--new-session", "--cap-drop", "ALL"),
    *("--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--clearenv", "/bin/true"),
)


def tried() -> Answer:
    """What a child process found out by trying: `trial.py`'s JSON."""
    return ask(sys.executable, "-I", "-S", str(Path(__file__).with_name("trial.py")))


def sandbox(ground: Ground) -> Finding:
    """Whether bubblewrap makes a sandbox: only tasks that run generated code ask for one."""
    version = ask("bwrap", "--version")
    if not version.fine:
        known = "" if _namespaces(ground) is None else f"; {_namespaces(ground)}"
        advice = "Only tasks that run generated code need it: apt install bubblewrap. Without it they refuse to run."
        return Finding(Sign.WARN, f"bubblewrap: {version.trouble}{known}", advice)
    made = ask("bwrap", *_SANDBOX)
    if made.fine:
        return Finding(Sign.OK, f"{version.text} makes a sandbox")
    why = _namespaces(ground) or "user namespaces can be made, so it is something else: a container's seccomp profile, say"
    advice = f"Tasks that run generated code refuse to run: {why}."
    return Finding(Sign.WARN, f"{version.text} makes no sandbox: {made.trouble}", advice)


_SWITCHES = (
    ("proc/sys/user/max_user_namespaces", 0, "as root: sysctl user.max_user_namespaces=15000"),
    ("proc/sys/kernel/unprivileged_userns_clone", 0, "as root: sysctl kernel.unprivileged_userns_clone=1"),
    (
        "proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        1,
        "as root: sysctl kernel.apparmor_restrict_unprivileged_userns=0, or a profile for bwrap in /etc/apparmor.d",
    ),
)


def _namespaces(ground: Ground) -> str | None:
    """Why no user namespace can be made, and what to do; None where one can be."""
    answer = tried()
    if answer.fine and msgspec.json.decode(answer.text, type=dict[str, bool])["namespace"]:
        return None
    told = [
        f"{path.removeprefix('proc/sys/').replace('/', '.')} is {bad}; {do}"
        for path, bad, do in _SWITCHES
        if ground.number(path) == bad
    ]
    return "no user namespaces: " + ("; ".join(told) or "the machine's owner, or the container, does not allow them")
