"""What the README says is so."""

import re
from pathlib import Path

from sirtui.cli import COMMANDS
from sirtui.tui.keys import markdown

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()


def test_the_keys_are_those_of_the_screen():
    """The table is made from the one table of keys: `python -c "from sirtui.tui.keys import markdown; print(markdown())"`."""
    table = README.partition("<!-- keys -->\n")[2].partition("<!-- end of keys -->")[0]
    assert table.strip() == markdown().strip()


def test_the_commands_exist():
    """Every `sirtui COMMAND` named anywhere in it is one."""
    named = set(re.findall(r"\bsirtui ([a-z]+)\b", README)) - {"and"}
    assert named <= COMMANDS.keys()
    assert {name for name, told in COMMANDS.items() if told} - {"reindex"} <= named


def test_torch_is_pinned_wherever_the_rest_is_installed():
    """Pip must see the pin in the same command, or it fetches another build."""
    installs = re.findall(r"pip install[^&\n]*", README)
    assert len(installs) >= 2
    assert all("torch==2.13.0" in install for install in installs if "[train" in install)
