"""A true reversal from end to end: found, held, answered, looked at again."""

import json
import shutil
from pathlib import Path

import pytest

from sirtui.cli import main
from sirtui.core.files import read_record
from sirtui.core.layout import RunFolder
from sirtui.core.run import RunRecord
from sirtui.core.spec import Topup

EXPERIMENT = """
name = "trade"
base_model = "model"
task = "trade.py"
method = ["trade.py", "trade.py", "trade.py"]
iterations = 3
[sampling]
sampler = "trade.py"
n = 2
[evaluation]
samples = 8
first_samples = 8
repeats = 1
embedder = ""
measures = ["trade.py"]
[verdicts]
essential = ["trade.wit"]
watch = ["pass@1.greedy"]
on_reversal = "pause"
[resources]
parallel = 2
"""


@pytest.fixture
def trading(shell):
    """A shell whose experiment loses at M_2 what it gains there, and then waits for an answer."""
    shutil.copy(Path(__file__).parent / "trade.py", shell.folder)
    (shell.folder / "trade.toml").write_text(EXPERIMENT)
    return shell


@pytest.fixture
def ask(trading, capsys):
    """What a command tells scripts, asked in this process."""

    def asked(*arguments, code=0):
        assert main(["--store", str(trading.store), *arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return asked


def stages(run):
    """Which stages are finished."""
    return {str(path.parent.relative_to(run.path)) for path in run.path.rglob("manifest.json")}


def test_a_reversal_is_found_held_answered_and_looked_at_again(trading, ask):
    """The run waits before M_3; resumed it ends, for what is lost is known; topped up it looks once more, and only once."""
    done = trading("run", "trade.toml", "--wait", code=3)
    name = done.stdout.strip()
    run = RunFolder(trading.store / "runs" / name)
    assert f"{name}: paused: it2: reversal: trade.wit" in done.stderr
    assert f"sirtui resume {name} to go on." in done.stderr
    assert "it03/train" not in stages(run)
    (row,) = ask("status")["runs"]
    assert (row["status"], row["verdict"]["kind"], row["verdict"]["names"]) == ("paused", "reversal", ["trade.wit"])

    found = ask("verdict", name, "--gate", code=3)
    cells = {cell["key"]: cell for cell in found["iterations"][-1]["cells"]}
    assert [cells[key]["verdict"] for key in ("pass@1.sampled", "trade.wit")] == ["up", "down"]
    assert cells["pass@1.sampled"]["against"]["change"] > 0.4 > -0.4 > cells["trade.wit"]["against"]["change"]
    assert found["keep"]["t"] == 1

    before = stages(run)
    trading("resume", name, "--wait")
    shown = ask("show", name)
    assert (shown["status"], shown["iterations"][2]["verdict"]["kind"]) == ("finished", "reversal")

    trading("topup", name, "--times", "1", "--wait")
    assert read_record(run.record, RunRecord).spec.topups == (Topup(3, 1),)
    added = {f"{at}/{kind}" for at in ("it01/repeat-3", "it03/repeat-2") for kind in ("sample", "judge", "measure")}
    later = {f"it03/{kind}" for kind in ("train", "sample", "judge", "measure", "verdict")}
    assert stages(run) - before == later | added | {"it03/repeat-2/verdict"}
    again = ask("verdict", name)["iterations"][-1]
    assert (again["look"], again["kind"], again["rule"]) == (2, "reversal", found["rule"])
    assert main(["--store", str(trading.store), "topup", name, "--times", "1"]) == 2
