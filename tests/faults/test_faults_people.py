"""Other people and strange input: tokens neither kept nor shown, files for their owner alone, names that lead elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from builders import NOW, a_verdict, make_run

from sirtui.cli import main
from sirtui.core.run import Kind, Status

TOY = Path(__file__).parents[1] / "loop" / "toy.py"
EXPERIMENT = """
base_model = "model"
task = "toy.py"
method = ["toy.py", "toy.py"]
iterations = 2
[sampling]
sampler = "toy.py"
n = 8
[evaluation]
samples = 8
first_samples = 16
repeats = 1
embedder = ""
measures = ["toy.py"]
[resources]
parallel = 2
"""
CANARY = "c4n4ry"
OF_MODELS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
OF_NOBODY = (
    *("WANDB_API_KEY", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "MADE_UP_SECRET", "SIRTUI_SECRET"),
    *(
        "VLLM_API_KEY",
        "NVIDIA_API_KEY",
        "HF_HUB_TOKEN",
        "HF_API_KEY",
        "HUGGINGFACE_TOKEN",
        "CONDA_TOKEN",
        "PYTHON_KEYRING_PASSWORD",
    ),
)
OF_THE_NETWORK = ("https_proxy", "HTTP_PROXY")


@dataclass
class Seen:
    """A process that worked for the run: what it was called with, and what it found in its environment."""

    kind: Kind | None
    arguments: bytes
    environment: dict[str, str]


@dataclass
class Looped:
    """A whole toy loop under a umask of 0 with canaries in the environment, and every process of it."""

    store: Path
    environment: dict[str, str]
    output: str = ""
    processes: dict[tuple[int, bytes], Seen] = field(default_factory=dict)

    def ask(self, *arguments: str, code: int = 0) -> str:
        """What a command prints, in all."""
        command = [sys.executable, "-m", "sirtui.cli", "--store", str(self.store), *arguments]
        done = subprocess.run(
            command,
            cwd=self.store.parent,
            env=self.environment,
            umask=0,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, done.stdout
        return done.stdout

    def of(self, *kinds: Kind) -> list[Seen]:
        """The processes of stages of these kinds."""
        return [seen for seen in self.processes.values() if seen.kind in kinds]


def watch(looped: Looped, over: threading.Event) -> None:
    """Look at every process of the run again and again."""
    while not over.wait(0.005):
        for pid in filter(str.isdecimal, os.listdir("/proc")):
            try:
                environment = Path(f"/proc/{pid}/environ").read_bytes()
                arguments = Path(f"/proc/{pid}/cmdline").read_bytes()
            except OSError:
                continue
            of_stage = b"SIRTUI_JOB=" + os.fsencode(looped.store) in environment
            if of_stage or (os.fsencode(looped.store) in arguments and int(pid) != os.getpid()):
                pairs = dict(pair.partition("=")[::2] for pair in os.fsdecode(environment).split("\0") if pair)
                kind = Kind(pairs["SIRTUI_JOB"].partition("#")[0].rpartition("/")[2]) if of_stage else None
                looped.processes[int(pid), arguments] = Seen(kind, arguments, pairs)


@pytest.fixture(scope="module")
def looped(tmp_path_factory) -> Looped:
    """Whatever judges answers prints its whole environment, too."""
    folder = tmp_path_factory.mktemp("people")
    says = "        print(dict(os.environ))\n        time.sleep(0.05)\n        for problem, answer in answers:"
    (folder / "toy.py").write_text(TOY.read_text().replace("        for problem, answer in answers:", says))
    (folder / "toy.toml").write_text(f'name = "toy"\n{EXPERIMENT}')
    (folder / "model").mkdir()
    secrets = {name: f"{CANARY}-{name}" for name in (*OF_MODELS, *OF_NOBODY)}
    secrets |= dict.fromkeys(OF_THE_NETWORK, f"http://me:{CANARY}@localhost:3128")
    looped, over = Looped(folder / "store", {**os.environ, **secrets}), threading.Event()
    watching = threading.Thread(target=watch, args=(looped, over))
    watching.start()
    try:
        looped.output = looped.ask("run", "toy.toml", "--wait")
    finally:
        over.set()
        watching.join()
    return looped


def holding(seen: Seen) -> set[str]:
    """Under which names a process knows a canary."""
    return {name for name, text in seen.environment.items() if CANARY in text}


def test_fault_43_canary_token(looped):
    """Tokens in the environment: in no file of the store, no argument of a process, no output; with the stages that need them."""
    assert {seen.kind for seen in looped.processes.values()} == {None, *Kind}
    files = [path for path in looped.store.rglob("*") if path.is_file()]
    assert len(files) > 50
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []
    assert [seen.arguments for seen in looped.processes.values() if CANARY.encode() in seen.arguments] == []
    assert CANARY not in looped.output
    assert {name for seen in looped.of(Kind.TRAIN, Kind.SAMPLE) for name in holding(seen)} == {*OF_MODELS, *OF_THE_NETWORK}
    assert {name for seen in looped.of(Kind.JUDGE, Kind.VERDICT) for name in holding(seen)} == set()
    assert {name for seen in looped.of(Kind.MEASURE) for name in holding(seen)} <= set(OF_THE_NETWORK)


@pytest.mark.parametrize(
    "command",
    [
        *("status", "status --json", "show latest", "show latest --json", "verdict latest", "logs latest it01/judge"),
        *("logs latest it02/train", "logs latest supervisor", "doctor", "doctor --json"),
    ],
)
def test_fault_43_no_command_shows_a_token(looped, command):
    """Nor the log of a stage that printed all it knew."""
    told = looped.ask(*command.split())
    assert CANARY not in told
    assert "judge" not in command or "OMP_" in told or "PATH" in told


@pytest.mark.parametrize(
    ("line", "key"),
    [
        (f'[train."toy.py"]\nhub_token = "{CANARY}"', "train."),
        (f'[train."toy.py"]\napi_key = "{CANARY}"', "train."),
        (f'[train."toy.py".model_init_kwargs]\ntoken = "{CANARY}"', "train."),
        (f'[train."toy.py"]\nharmless = ["hf_{CANARY * 6}"]', "train."),
        (f'[train."toy.py"]\nharmless = "https://me:{CANARY}@host/model"', "train."),
    ],
)
def test_fault_43_a_token_in_an_experiment_file_is_refused(tmp_path, capsys, line, key):
    """With the key that holds it, without the token; nothing is made."""
    shutil.copy(TOY, tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "toy.toml").write_text(f'name = "toy"\n{EXPERIMENT}{line}\n')
    for command in ("check", "run"):
        assert main(["--store", str(tmp_path / "store"), command, str(tmp_path / "toy.toml")]) == 2
        told = "".join(capsys.readouterr())
        assert f"toy.toml: {key}" in told
        assert "tokens do not belong into an experiment file" in told
        assert "HF_TOKEN" in told
        assert CANARY not in told
    assert not (tmp_path / "store").exists()


def test_settings_that_only_sound_like_tokens_are_taken(tmp_path, capsys):
    """TRL has some."""
    shutil.copy(TOY, tmp_path)
    (tmp_path / "model").mkdir()
    harmless = 'eos_token = "</s>"\npad_token = "<pad>"\ninclude_num_input_tokens_seen = "all"\nhub_token = ""'
    (tmp_path / "toy.toml").write_text(f'name = "toy"\n{EXPERIMENT}[train."toy.py"]\n{harmless}\n')
    assert main(["--store", str(tmp_path / "store"), "check", str(tmp_path / "toy.toml")]) == 0, capsys.readouterr().err


def test_everything_a_run_makes_is_for_its_owner_alone(looped):
    """Files 0600 and folders 0700, though the umask would let everyone in."""
    found = [looped.store, *looped.store.rglob("*")]
    assert len(found) > 80
    assert [
        (str(path.relative_to(looped.store)), oct(path.stat().st_mode)) for path in found if path.stat().st_mode & 0o077
    ] == []


HOSTILE = {  # nothing that would lie outside of the test's own folder, were it made: GROUND stands for that
    "out of the store": "../../x",
    "an option": "-rf",
    "long": "x" * 300,
    "empty": "",
    "NUL": "toy\0",
    "line break": "toy\n",
    "line break inside": "toy\naaaa",
    "escape": "toy\x1b[2J",
    "look-alike": "t\N{CYRILLIC SMALL LETTER O}y",
    "right to left": "toy\u202eyot",
    "not unicode": "toy\udcff",
    "here": ".",
    "above": "..",
    "absolute": "GROUND/elsewhere",
    "through itself": "toy-aaaa/../toy-aaaa",
    "pattern": "*",
    "many digits": "9" * 5000,
}
COMMANDS = (
    *("show {}", "verdict {}", "explain {} pass@1", "topup {}", "logs {}", "stop {}", "resume {}", "supervise {}"),
    *("logs toy-aaaa {}", "verdict toy-aaaa --against {}", "verdict toy-aaaa --it {}", "explain toy-aaaa {}"),
    *("explain toy-aaaa pass@1 {}", "topup toy-aaaa --it {}", "check {}", "run {}"),
)


def refused(capsys, *arguments: str) -> str:
    """What a command says that fails as wrong usage, plainly."""
    capsys.readouterr()
    try:
        code = main(arguments)
    except SystemExit as ended:  # argparse's way
        code = ended.code
    told = capsys.readouterr()
    assert code == 2, (arguments, code, told.err)
    assert told.out == ""
    assert 1 <= len(told.err.splitlines()) <= 12
    assert "Traceback" not in told.err
    return told.err


def everything(folder: Path) -> Iterator[str]:
    """The name of all there is but the index."""
    return (str(path) for path in sorted(folder.rglob("*")) if not path.name.startswith(("sirtui.db", "ingest.lock")))


@pytest.fixture
def ground(tmp_path, monkeypatch) -> Path:
    """A working folder deep inside of all that is looked at, beside a store with one run."""
    run = make_run(tmp_path / "store", "aaaa", name="toy").finish("it01/train").finish("it02/measure")
    run.concluded(a_verdict(2, "undecided")).supervisor(Status.FINISHED, ended=NOW)
    here = tmp_path / "a" / "b" / "c"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    return tmp_path


@pytest.mark.parametrize("name", [pytest.param(name, id=kind) for kind, name in HOSTILE.items() if "\0" not in name])
def test_fault_45_names(ground, capsys, name):
    """As a run, a stage, an iteration, a measure, a file: a plain error, exit code 2, nothing made. No argument holds a NUL."""
    before = list(everything(ground))
    name = name.replace("GROUND", str(ground))
    for command in COMMANDS:
        words = [name if word == "{}" else word for word in command.split()]
        told = refused(capsys, "--store", str(ground / "store"), *words)
        assert all(line.isprintable() for line in told.splitlines()) or "usage:" in told
    assert list(everything(ground)) == before


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_fault_45_names_of_experiments(ground, capsys, name):
    """In the file of an experiment, which is refused before a store is made."""
    shutil.copy(TOY, ground)
    (ground / "model").mkdir()
    text = "".join(f"\\U{ord(letter):08x}" for letter in name.encode("utf-8", "replace").decode())
    (ground / "toy.toml").write_text(f'name = "{text}"\n{EXPERIMENT}')
    before = list(everything(ground))
    for command in ("check", "run"):
        told = refused(capsys, "--store", str(ground / "other"), command, str(ground / "toy.toml"))
        assert "toy.toml: name: got " in told
        assert "a letter or digit, then at most 63" in told
    assert list(everything(ground)) == before


@pytest.mark.parametrize(
    "kind", ["an option", "long", "empty", "NUL", "line break", "line break inside", "escape", "right to left"]
)
def test_fault_45_names_of_stores(ground, capsys, kind):
    """What no folder should be called; others, such as `..`, are folders like any other."""
    before = list(everything(ground))
    for command in (["status"], ["reindex"], ["show", "latest"], ["doctor"]):
        told = refused(capsys, "--store", HOSTILE[kind], *command)
        assert "\x1b" not in told
    assert list(everything(ground)) == before
