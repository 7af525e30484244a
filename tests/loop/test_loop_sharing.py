"""Runs of one seed that differ in their method have M_1 in common: it is made once, whoever comes first."""

import json
import shutil
import time

from toying import EXPERIMENT, TOY

from sirtui.core.files import is_locked, read_record
from sirtui.core.layout import StoreFolder
from sirtui.core.plan import plan
from sirtui.core.run import Kind, Manifest, Origin, Status, SupervisorRecord
from sirtui.core.spec import parse
from sirtui.recipes.declare import resolved
from sirtui.store import Store
from sirtui.supervise import start

METHODS = {"sft": ("toy.py", "toy.py"), "dpo": ("toy.py", "other.py"), "sft-dpo": ("toy.py", "other.py")}


def experiment(folder, name, method):
    """Two iterations of the toy with these trainers."""
    text = (
        EXPERIMENT.replace("share = false", "share = true")
        .replace('["toy.py", "toy.py", "toy.py"]', json.dumps(method))
        .replace("iterations = 3", "iterations = 2")
    )
    return resolved(parse(text.replace('"toy"', f'"{name}"'), "toy.toml", folder))


def test_three_methods_make_the_first_iteration_once(tmp_path):
    """Each stage of M_1 is made by one run, and linked by the others that are at work meanwhile; verdicts are each run's own."""
    shutil.copy(TOY, tmp_path)
    (tmp_path / "other.py").write_text(TOY.read_text().replace("skill + 0.1", "skill + 0.3"))
    (tmp_path / "model").mkdir()
    specs = {name: experiment(tmp_path, name, method) for name, method in METHODS.items()}
    runs = [start(StoreFolder(tmp_path / "store"), spec, Origin()) for spec in specs.values()]
    deadline = time.monotonic() + 90
    while any(is_locked(run.supervisor_lock) for run in runs):
        assert time.monotonic() < deadline, "they do not end"
        time.sleep(0.05)
    assert [read_record(run.supervisor, SupervisorRecord).status for run in runs] == [Status.FINISHED] * 3
    for stage in plan(specs["sft"]):
        manifests = [read_record(run.stage(stage).manifest, Manifest) for run in runs]
        made = sum(not manifest.origin for manifest in manifests)
        assert (stage.id, made) == (stage.id, 3 if stage.kind is Kind.VERDICT else stage.t)
        if stage.t == 1 and stage.kind is not Kind.VERDICT:
            assert len({manifest.digest() for manifest in manifests}) == 1
    assert_shown(tmp_path / "store", [run.name for run in runs])


def assert_shown(root, names):
    """The index shows M_1's measures for all three, and no work counted twice."""
    store = Store(root)
    store.catch_up(patience=5)
    views = [store.run(name) for name in names]
    store.close()
    first, second = ([view.iterations[t].cells["pass@1.sampled"].value for view in views] for t in (0, 1))
    assert len(set(first)) == 1
    assert second[0] < second[1] == second[2]
    linked = [row for view in views for row in view.stages if row.origin]
    assert all(row.seconds == 0 and row.status is Status.FINISHED for row in linked)
