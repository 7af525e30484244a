"""What goes wrong before anything runs is said in a sentence: folders that are no stores, files, passwords in values."""

from __future__ import annotations

import errno

import pytest
from builders import make_run

from sirtui.cli import placing, starting, status
from sirtui.core.errors import UsageError

EXPERIMENT = 'name = "x"\ntask = "nano"\nmethod = "frozen"\niterations = 1\n'
PASSWORD = "canary" * 3


@pytest.fixture
def file(tmp_path):
    """An experiment file."""
    path = tmp_path / "x.toml"
    path.write_text(f'{EXPERIMENT}base_model = "package:sirtui/recipes/nano/none"\n')
    return path


@pytest.mark.parametrize("command", ["reindex", "run", "demo"])
def test_no_store_is_made_among_other_things(tmp_path, sirtui, file, command, monkeypatch):
    """Somebody's project is left as it is."""
    monkeypatch.setattr(starting, "start", lambda *_: pytest.fail("it was started"))
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    told = sirtui(project, command, *([str(file)] if command == "run" else []), code=2)
    assert told.err == f"sirtui: {project} is no store, and holds other things\n  Name an empty or a new folder: --store DIR.\n"
    assert [path.name for path in project.rglob("*")] == ["src"]


@pytest.mark.parametrize(
    "names",
    [
        *((), ("runs/", "notes.txt"), ("sirtui.db", "notes.txt"), ("queue/",), ("shared/", "ingest.lock"), ("comparisons/",)),
        *(("ingest.lock", "sirtui.db.v4.bak"), ("lost+found/",)),
    ],
)
def test_a_store_however_little_is_in_it(tmp_path, sirtui, names):
    """Also what is left of one, and a disk of its own."""
    root = tmp_path / "store"
    root.mkdir()
    for name in names:
        (root / name).mkdir() if name.endswith("/") else (root / name).touch()
    assert sirtui(root, "reindex").err.startswith("0 runs indexed")


def test_a_store_that_is_not_there_yet(tmp_path, sirtui):
    """It is made; with a run in it, it is known again."""
    root = tmp_path / "new" / "store"
    sirtui(root, "reindex")
    make_run(root, "aaaa")
    assert sirtui(root, "reindex").err.startswith("1 runs indexed")


@pytest.mark.parametrize("name", ["src", "shared.txt", ".git"])
def test_one_thing_of_someone_else_is_enough(tmp_path, name):
    """Beside a folder that sirtui might have made."""
    (tmp_path / "shared").mkdir()
    placing.check_place(tmp_path)
    (tmp_path / name).touch()
    with pytest.raises(UsageError, match="is no store"):
        placing.check_place(tmp_path)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.EIO, "Input/output error", "/store/\x1b[31mrun.json"), "/store/run.json: Input/output error"),
        (OSError(errno.EMFILE, "Too many open files"), "Too many open files"),
        (PermissionError(errno.EACCES, "Permission denied", b"/store"), "/store: Permission denied"),
        (OSError("the tape tore"), "the tape tore"),
    ],
)
def test_whatever_a_file_or_disk_refuses_is_a_sentence(tmp_path, sirtui, monkeypatch, error, said):
    """With the name of the file, where it is known."""

    def tell(*_arguments, **_options):
        raise error

    monkeypatch.setattr(status, "tell", tell)
    assert sirtui(tmp_path / "store", "status", code=1).err == f"sirtui: {said}\n"


@pytest.mark.parametrize(
    "line",
    [
        f'base_model = "https://user:{PASSWORD}@host/x"',
        f'base_model = "https://user:p@{PASSWORD}@host/x"',
        f'base_model = "https://{PASSWORD}@host/x"',
        f'base_model = "m"\ndata = "https://user:{PASSWORD}@host/x"',
        f'base_model = "m"\nseed = "https://user:{PASSWORD}{"x" * 60}@host/x"',
        f'base_model = "m"\ntask_name = "https://user:{PASSWORD}@host/x"',
        f'base_model = "m"\n[evaluation]\nembedder = "https://user:{PASSWORD}@host/x"',
        f'[matrix]\nbase_model = ["https://user:{PASSWORD}@host/x", "https://user:{PASSWORD}@host/x"]',
        f'[matrix]\nbase_model = ["m", "https://user:{PASSWORD}@host/x"]',
        f'base_model = "m"\n[sampling]\nsampler = "https://user:{PASSWORD}@host/x"',
    ],
)
def test_no_password_of_an_address_is_shown(tmp_path, sirtui, file, line):
    """Wherever the address stands, and whatever is wrong with it."""
    file.write_text(f"{EXPERIMENT}{line}\n")
    told = sirtui(tmp_path / "store", "check", str(file), code=2)
    assert "x.toml: " in told.err
    assert PASSWORD not in told.out + told.err


def test_of_an_address_the_rest_is_shown(tmp_path, sirtui, file):
    """So it is plain which value is meant."""
    file.write_text(f'{EXPERIMENT}base_model = "https://user:{PASSWORD}@host/x"\n')
    assert "base_model: https://***@host/x does not exist" in sirtui(tmp_path / "store", "check", str(file), code=2).err
