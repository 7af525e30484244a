"""Where a model is: `package:NAME/folder` names a folder inside an installed Python package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sirtui.core.errors import NotFound

PREFIX = "package:"


def locate(name: str) -> str:
    """The folder that `package:NAME/folder/in/it` names, the package not imported; any other name as it is.

    Raises:
        NotFound: no such package is installed, or it has no such folder.
    """
    if not name.startswith(PREFIX):
        return name
    package, _, inside = name.removeprefix(PREFIX).partition("/")
    spec = find_spec(package) if package.isidentifier() else None
    if spec is None or spec.submodule_search_locations is None:
        raise NotFound(
            f"{name}: no Python package {package!r} is installed here",
            f"Try `pip install {package.replace('_', '-')}` in this interpreter; the form is package:NAME/folder.",
        )
    roots = [Path(root) for root in spec.submodule_search_locations]
    found = [root / inside for root in roots if ".." not in Path(inside).parts and (root / inside).is_dir()]
    if not found:
        raise NotFound(f"{name}: {roots[0]} has no folder {inside!r}", "The form is package:NAME/folder/in/it.")
    return str(found[0])
