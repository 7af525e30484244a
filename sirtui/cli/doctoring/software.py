"""Python, sirtui, the libraries of the stages: by what is installed, nothing of it is imported."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from sirtui import __version__
from sirtui.cli.doctoring.finding import Finding, Ground, Sign
from sirtui.store.sqlite import sqlite3, sqlite_version

NEEDED = ("textual", "rich", "msgspec", "sqlite-utils", "watchfiles", "nvidia-ml-py")
TRAINING = ("torch", "transformers", "trl", "datasets", "sentence-transformers", "numpy", "scipy")


def python(ground: Ground) -> Finding:
    """Which interpreter this is: stages run by the same one."""
    return Finding(Sign.OK, f"{platform.python_version()}, {sys.executable}")


def itself(ground: Ground) -> Finding:
    """The version of sirtui, and what it is built on."""
    found, missing = _installed(NEEDED)
    if missing:
        return Finding(Sign.NO, f"{__version__} without {', '.join(missing)}", "Install it again: pip install sirtui")
    return Finding(Sign.OK, f"{__version__} with {_told(found.items())}")


def training(ground: Ground) -> Finding:
    """The extra `train`, and whether its torch can use the GPUs that are there."""
    found, missing = _installed(TRAINING)
    if missing:
        advice = (
            "Training, sampling and measuring need them: pip install torch==2.13.0 'sirtui[train]' (the pin chooses the build)."
        )
        return Finding(Sign.NO, f"without {', '.join(missing)}{f'; {_told(found.items())}' if found else ''}", advice)
    build = torch_build(_torch_folder())
    told = _told((name, f"{said} ({build})" if name == "torch" else said) for name, said in found.items())
    if build == "for CPUs" and ground.text("proc/driver/nvidia/version"):
        advice = "There is an NVIDIA driver that this torch cannot use: install a build of torch for CUDA."
        return Finding(Sign.WARN, told, advice)
    return Finding(Sign.OK, told)


def vllm(ground: Ground) -> Finding:
    """Whether vLLM is installed; nothing needs it."""
    found, _ = _installed(("vllm",))
    return Finding(Sign.OK, found.get("vllm", "not installed, not needed: sampling is by transformers"))


def index(ground: Ground) -> Finding:
    """The SQLite of the index, and whether it is one that may lose what was committed."""
    version_, broken = sqlite_version()
    found = f"{version_}, by {sqlite3.__name__}"
    if broken:
        advice = "Two processes that write at once may lose rows (mended in 3.51.3, 3.50.7, 3.44.6; `sirtui reindex` brings them"
        return Finding(Sign.WARN, f"{found}, with the WAL bug", f"{advice} back): pip install pysqlite3")
    return Finding(Sign.OK, found)


def torch_build(folder: Path | None) -> str:
    """What the torch in this folder is built for, as its `version.py` says."""
    try:
        text = (folder / "version.py").read_text("utf-8") if folder else ""
    except OSError:
        text = ""
    for name in ("cuda", "hip"):
        if found := re.search(rf"^{name}\b[^=\n]*= '([^']+)'", text, re.MULTILINE):
            return f"for {'CUDA' if name == 'cuda' else 'ROCm'} {found[1]}"
    return "for CPUs" if text else "build not known"


def _torch_folder() -> Path | None:
    found = find_spec("torch")
    return Path(found.origin).parent if found and found.origin else None


def _installed(names: Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """The versions of those that are installed, and the names of the others."""
    found, missing = {}, []
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            missing.append(name)
    return found, missing


def _told(versions: Iterable[tuple[str, str]]) -> str:
    return ", ".join(f"{name} {said}" for name, said in versions)
