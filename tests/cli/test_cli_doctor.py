"""`sirtui doctor`: what it says of machines that lack something, most of them this one with something really taken away."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import pwd
import resource
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sirtui.cli import doctor
from sirtui.cli.doctoring import cgroup, checks, hardware, kernel, sandbox, session, software, storage
from sirtui.cli.doctoring.finding import Finding, Ground, Sign
from sirtui.core.layout import StoreFolder
from sirtui.store import sqlite

DOCTOR = (sys.executable, "-m", "sirtui.cli")
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="takes root")


@pytest.fixture
def ground(tmp_path) -> Ground:
    """A store that is not there yet, on this machine."""
    return Ground(StoreFolder(tmp_path / "store"))


@pytest.fixture
def drawn(tmp_path):
    """A machine made of files below a folder."""

    def draw(files: dict[str, str]) -> Ground:
        root = tmp_path / "root"
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return Ground(StoreFolder(tmp_path / "store"), root)

    return draw


def told(ground: Ground, *before: str, code: int = 0, **how) -> dict[str, dict[str, str]]:
    """What the command says in JSON, by check; `before` it stands what changes the machine for it."""
    command = [*before, *DOCTOR, "--store", str(ground.store.path), "doctor", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **how)
    assert done.returncode == code, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["schema"], said["ok"]) == (1, code == 0)
    return {each["check"]: each for each in said["checks"]}


def test_it_looks_at_everything_soon(ground):
    """Every check says something, nothing heavy is imported, nothing is left behind."""
    began = time.monotonic()
    said = told(ground)
    assert time.monotonic() - began < 10
    assert list(said) == list(checks.CHECKS)
    assert not [name for name, each in said.items() if "cannot be looked at" in each["found"]]
    assert all(each["advice"] for each in said.values() if each["sign"] != "ok")
    assert not list(ground.store.path.parent.iterdir())
    heavy = "[name for name in ('torch', 'numpy', 'textual') if name in sys.modules]"
    look = f"import sys; from sirtui.cli import main; main(['--store', {str(ground.store.path)!r}, 'doctor']); print({heavy})"
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout.endswith("[]\n")


def test_the_text_has_a_sign_a_check_and_advice_below(sirtui, tmp_path, monkeypatch):
    """A line a check; where it is not fine, what to do, set in; then whether runs can work. All of it ASCII."""
    monkeypatch.setenv("PATH", str(tmp_path))
    lines = sirtui(tmp_path / "store", "doctor").out.splitlines()
    (place,) = [number for number, line in enumerate(lines) if line.startswith("warn  sandbox")]
    assert "bwrap is not installed" in lines[place]
    assert lines[place + 1].startswith(" " * 21 + "Only tasks that run generated code need it: apt install bubblewrap.")
    assert lines[-1].startswith("Runs can work here; ")
    assert "\n".join(lines).isascii()


def test_what_runs_need_decides_the_exit_code(capsys, monkeypatch, tmp_path):
    """1 with the names of what is missing; a warning alone is no failure."""
    said = {"a": Finding(Sign.OK, "fine"), "b": Finding(Sign.NO, "gone", "Get it."), "c": Finding(Sign.WARN, "slow", "Wait.")}
    for found, code, last in (
        (said, 1, "Runs cannot work here: see b."),
        ({"a": said["a"], "c": said["c"]}, 0, "Runs can work here; one could be better."),
        ({"a": said["a"]}, 0, "Runs can work here."),
    ):
        monkeypatch.setattr(doctor, "findings", lambda _ground, found=found: found)
        assert doctor.call(doctor_asked(tmp_path)) == code
        assert capsys.readouterr().out.splitlines()[-1] == last


def doctor_asked(store: Path):
    """The command's arguments."""
    import argparse

    return argparse.Namespace(store=store, json=False)


def test_a_check_that_raises_or_hangs_is_a_line(ground):
    """The others are told all the same, in order, and soon."""

    def hangs(_ground):
        over.wait(60)
        return Finding(Sign.OK, "late")

    def raises(_ground):
        raise RuntimeError("bang \x1b[2J")

    began, over = time.monotonic(), threading.Event()
    found = checks.findings(ground, {"one": hangs, "two": raises, "three": lambda _: Finding(Sign.OK, "fine")}, patience_s=0.3)
    assert time.monotonic() - began < 10
    over.set()
    assert list(found) == ["one", "two", "three"]
    assert found["one"].found == "no answer in 0.3 s"
    assert found["two"].found == "cannot be looked at: RuntimeError: bang "
    assert found["three"] == Finding(Sign.OK, "fine")


# Software


def test_training_libraries(ground, monkeypatch, drawn, tmp_path):
    """Missing ones are named with the command that brings them; a torch for CPUs beside a driver is a warning."""
    versions = dict.fromkeys(software.TRAINING, "1.0")
    monkeypatch.setattr(software, "_installed", lambda names: (versions, [name for name in names if name not in versions]))
    monkeypatch.setattr(software, "_torch_folder", lambda: tmp_path)
    (tmp_path / "version.py").write_text("__version__ = '1.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n")
    assert software.training(ground).sign is Sign.OK
    assert "torch 1.0 (for CPUs)" in software.training(ground).found
    beside = drawn({"proc/driver/nvidia/version": "NVRM version: 580"})
    assert software.training(beside).sign is Sign.WARN
    (tmp_path / "version.py").write_text("cuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n")
    assert (software.training(beside).sign, "torch 1.0 (for CUDA 13.0)" in software.training(beside).found) == (Sign.OK, True)
    del versions["trl"], versions["torch"]
    finding = software.training(ground)
    assert (finding.sign, "without torch, trl" in finding.found) == (Sign.NO, True)
    assert "pip install torch==" in finding.advice


def test_sqlite_with_the_bug_is_told(ground, monkeypatch):
    """By the version in use, with what brings another."""
    assert sqlite.sqlite_version()[0] in software.index(ground).found
    monkeypatch.setattr(software, "sqlite_version", lambda: ("3.40.1", True))
    finding = software.index(ground)
    assert (finding.sign, "3.40.1" in finding.found) == (Sign.WARN, True)
    assert finding.advice.endswith("pip install pysqlite3")


# Hardware


def test_cgroups_of_both_generations_limit_the_machine(drawn):
    """The tightest group from the process's own one upwards counts; a container sees its own group as the top."""
    mounts = "30 29 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
    two = drawn(
        {
            "proc/self/cgroup": "0::/user.slice/me.scope\n",
            "proc/self/mountinfo": mounts,
            "sys/fs/cgroup/user.slice/cpu.max": "150000 100000",
            "sys/fs/cgroup/user.slice/me.scope/cpu.max": "max 100000",
            "sys/fs/cgroup/user.slice/me.scope/memory.max": "4000000000",
            "sys/fs/cgroup/user.slice/me.scope/memory.current": "3500000000",
            "sys/fs/cgroup/user.slice/me.scope/memory.stat": "anon 5\ninactive_file 1000000000\n",
            "sys/fs/cgroup/user.slice/pids.max": "100",
            "sys/fs/cgroup/user.slice/pids.current": "90",
        }
    )
    assert cgroup.cpus(two) == 1.5
    assert cgroup.memory(two) == (4_000_000_000, 1_500_000_000)
    assert cgroup.processes(two) == (100, 90)
    one = drawn(
        {
            "proc/self/cgroup": "4:memory:/docker/abc\n1:cpu,cpuacct:/docker/abc\n0::/\n",
            "proc/self/mountinfo": "31 29 0:28 /docker/abc /cg/memory rw - cgroup cgroup rw,memory\n"
            "32 29 0:29 /docker/abc /cg/cpu rw - cgroup cgroup rw,cpu,cpuacct\n",
            "cg/memory/memory.limit_in_bytes": "1000000000",
            "cg/memory/memory.usage_in_bytes": "400000000",
            "cg/cpu/cpu.cfs_quota_us": "50000",
            "cg/cpu/cpu.cfs_period_us": "100000",
        }
    )
    assert (cgroup.cpus(one), cgroup.memory(one), cgroup.processes(one)) == (0.5, (1_000_000_000, 600_000_000), None)
    free = drawn({"proc/self/cgroup": "", "proc/self/mountinfo": ""})
    assert (cgroup.cpus(free), cgroup.memory(free), cgroup.processes(free)) == (None, None, None)


def test_little_of_the_machine_is_a_warning(drawn):
    """A cgroup that leaves less CPU or memory than there seems to be; swap."""
    ground = drawn(
        {
            "proc/self/cgroup": "0::/",
            "proc/self/mountinfo": "30 29 0:27 / /cg rw - cgroup2 cgroup rw\n",
            "proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable: 6000000 kB\nSwapTotal: 1000000 kB\n",
            "cg/cpu.max": "50000 100000",
            "cg/memory.max": "2000000000",
            "cg/memory.current": "1500000000",
        }
    )
    cpus, memory = hardware.cpus(ground), hardware.memory(ground)
    assert (cpus.sign, cpus.found.endswith("of whose time the cgroup allows 0.5")) == (Sign.WARN, True)
    assert "threads = 1" in cpus.advice
    assert memory.sign is Sign.WARN
    assert memory.found == "6.1 GB of 8.2 GB free, the cgroup allows 2.0 GB and has 500 MB left, swap 1.0 GB"
    assert hardware.memory(Ground(ground.store)).found.endswith(("GB", "no swap", "MB"))


def test_no_gpu_is_a_warning_that_runs_use_the_cpu(ground, monkeypatch):
    """And a driver that does not answer one that runs wait; a GPU that is lost is named."""
    monkeypatch.setattr(hardware, "look", lambda _patience: ((), next(iter(hardware.ABSENT))))
    assert hardware.gpus(ground).advice.startswith("Runs use the CPU.")
    monkeypatch.setattr(hardware, "look", lambda _patience: ((), "the GPUs do not answer: does `nvidia-smi`?"))
    assert hardware.gpus(ground).advice.startswith("Runs that want a GPU wait")
    seen = (
        hardware.Gpu(0, "GPU-a", "H200", memory_total=150_000_000_000, memory_used=30_000_000_000, holder="toy-aaaa"),
        hardware.Gpu(1, "", "", problem="is lost: the driver cannot reach it (see dmesg)"),
    )
    monkeypatch.setattr(hardware, "look", lambda _patience: (seen, ""))
    monkeypatch.setattr(hardware, "driver", lambda: "580.1")
    finding = hardware.gpus(ground)
    assert (finding.sign, finding.found) == (Sign.WARN, "driver 580.1: 0 H200, 120 GB of 150 GB free, held by toy-aaaa; 1 ?")
    assert finding.advice.startswith("GPU 1 is lost: ")


@AS_ROOT
def test_a_small_shared_memory_is_told(tmp_path):
    """As in a container: 64 MB."""
    (tmp_path / "dev/shm").mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(tmp_path / "dev/shm")], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        finding = hardware.shared_memory(Ground(StoreFolder(tmp_path), tmp_path))
    finally:
        subprocess.run(["umount", str(tmp_path / "dev/shm")], check=True)
    assert (finding.sign, finding.found) == (Sign.WARN, "67 MB of 67 MB free")
    assert "--shm-size" in finding.advice


# The store


def test_the_store_is_its_owners_alone(ground):
    """Not there yet is fine; 0755 is a warning; someone else's is none to write in."""
    assert (storage.folder(ground).sign, "not there yet" in storage.folder(ground).found) == (Sign.OK, True)
    (ground.store.path / "runs/toy-aaaa").mkdir(parents=True)
    ground.store.path.chmod(0o755)
    finding = storage.folder(ground)
    assert (finding.sign, "1 runs, mode 0755" in finding.found) == (Sign.WARN, True)
    assert finding.advice.endswith(f"chmod 700 {ground.store.path}")
    ground.store.path.chmod(0o700)
    assert storage.folder(ground).sign is Sign.OK


@AS_ROOT
def test_anothers_store_is_none(ground):
    """By its owner, whoever asks."""
    ground.store.path.mkdir(mode=0o700)
    os.chown(ground.store.path, 65534, 65534)
    assert "belongs to nobody" in told(ground, code=1)["store"]["found"]


@pytest.mark.parametrize(
    ("options", "check", "sign", "word"),
    [
        ("size=8m", "disk", "no", "MB free"),
        ("size=900m", "disk", "warn", "MB free"),
        ("size=64g,nr_inodes=500", "disk", "warn", "room for 4"),
        ("size=64g,ro", "file system", "no", "mounted read-only"),
        ("size=64g", "file system", "warn", "tmpfs"),
    ],
)
@AS_ROOT
def test_a_disk_that_is_small_or_cannot_be_written(tmp_path, options, check, sign, word):
    """A real one, mounted for the test."""
    path = tmp_path / "disk"
    path.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        found = {"disk": storage.room, "file system": storage.file_system}[check](Ground(StoreFolder(path)))
        assert not list(path.iterdir())
    finally:
        subprocess.run(["umount", str(path)], check=True)
    assert (str(found.sign), word in found.found) == (sign, True), found
    assert "--store DIR" in found.advice


def test_a_network_disk_is_told(drawn, tmp_path):
    """What the kernel calls it, and what sirtui does about it."""
    ground = drawn({"proc/self/mountinfo": f"30 29 0:27 / {tmp_path} rw - nfs4 server:/home rw\n"})
    finding = storage.file_system(ground)
    assert (finding.sign, finding.found.startswith("nfs4, over the network, times in steps of ")) == (Sign.WARN, True)
    assert "index is kept on a local disk" in finding.advice


def test_a_disk_without_locks_or_links(ground, monkeypatch):
    """Without locks nothing works; without hard links more room is used."""
    monkeypatch.setattr(fcntl, "flock", lambda *_: None)
    finding = storage.file_system(ground)
    assert (finding.sign, finding.found.endswith("does not work: locks")) == (Sign.NO, True)
    monkeypatch.undo()
    monkeypatch.setattr(os, "link", refuse)
    finding = storage.file_system(ground)
    assert (finding.sign, finding.found.endswith("does not work: hard links")) == (Sign.WARN, True)
    monkeypatch.undo()
    assert storage.file_system(ground).found.endswith("locks, renames, hard links work")


def refuse(*_):
    raise PermissionError(1, "Operation not permitted")


# The kernel


def test_limits_of_the_process(ground):
    """Few open files, few processes, small files: each with the command that lifts it."""
    few = told(ground, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200)))["limits"]
    assert (few["sign"], "files 200," in few["found"], "ulimit -n" in few["advice"]) == ("warn", True, True)
    small = told(ground, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10**9, 10**9)))["limits"]
    assert (small["sign"], "ulimit -f unlimited" in small["advice"]) == ("warn", True)


def test_a_full_group_of_processes(drawn):
    """As Slurm and containers have them."""
    files = {"proc/self/cgroup": "0::/", "proc/self/mountinfo": "30 29 0:27 / /cg rw - cgroup2 cgroup rw\n"}
    finding = kernel.limits(drawn({**files, "cg/pids.max": "300", "cg/pids.current": "20"}))
    assert (finding.sign, "processes in the cgroup 20 of 300" in finding.found) == (Sign.WARN, True)


def test_what_the_guard_relies_on_is_really_tried(ground, drawn, monkeypatch):
    """It works here; where a call does nothing, it is said to be missing; so is a boot id that cannot be read."""
    assert kernel.processes(ground).sign is Sign.OK
    blind = drawn({"proc/self/stat": "1", "proc/self/mountinfo": "1 1 1:1 / /proc rw - proc proc rw,hidepid=2\n"})
    assert kernel.processes(blind).found == "without /proc/sys/kernel/random/boot_id"
    seeing = drawn({"proc/sys/kernel/random/boot_id": "abc"})
    assert kernel.processes(seeing).found.endswith("other people's processes are hidden")
    source = Path(sandbox.__file__).with_name("trial.py").read_text()
    for broken, name in (
        ("libc.prctl(PR_SET_PDEATHSIG", "PR_SET_PDEATHSIG"),
        ("libc.prctl(PR_SET_CHILD_SUBREAPER", "PR_SET_CHILD_SUBREAPER"),
    ):
        done = subprocess.run([sys.executable, "-c", source.replace(broken, "(lambda *_: 0)(1")], capture_output=True, check=True)
        works = json.loads(done.stdout)
        missing = [kernel._TRIED[key] for key, fine in works.items() if not fine and key in kernel._TRIED]
        assert name in missing


def test_without_watches_changes_are_looked_for(ground):
    """In a user namespace that has none left."""
    taken = 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"'
    if subprocess.run(["unshare", "-Ur", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    changes = told(ground, "unshare", "-Ur", "sh", "-c", taken, "sh")["changes"]
    assert (changes["sign"], "a watch: Too many open files" in changes["found"]) == ("warn", True)
    assert "sysctl fs.inotify.max_user_watches" in changes["advice"]


def test_instances_of_inotify_in_use_are_counted(ground):
    """Those of this very process among them."""
    import ctypes

    before, watched = kernel._inotify_in_use(ground)
    descriptor = ctypes.CDLL(None).inotify_init1(0)
    ctypes.CDLL(None).inotify_add_watch(descriptor, b"/", 0x100)
    try:
        instances, watches = kernel._inotify_in_use(ground)
    finally:
        os.close(descriptor)
    assert (instances > 0, watches > 0) == (True, True)
    assert (before, watched) >= (0, 0)


# The sandbox


@pytest.mark.parametrize("bad", [0, 1])
def test_a_bubblewrap_that_makes_no_sandbox(ground, drawn, tmp_path, monkeypatch, bad):
    """The switch of the kernel that forbids it is named; where none does, something else is at work."""
    program(
        tmp_path / "bin" / "bwrap",
        'test "$1" = --version && echo bubblewrap 0.8.0 && exit; echo "bwrap: setting up uid map: Permission denied" >&2; exit 1',
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(sandbox, "tried", lambda: sandbox.Answer(fine=True, text=json.dumps({"namespace": bool(bad)})))
    finding = sandbox.sandbox(drawn({"proc/sys/kernel/apparmor_restrict_unprivileged_userns": "1"}))
    assert (finding.sign, finding.found) == (
        Sign.WARN,
        "bubblewrap 0.8.0 makes no sandbox: bwrap: setting up uid map: Permission denied",
    )
    word = "so it is something else" if bad else "kernel.apparmor_restrict_unprivileged_userns is 1; as root: sysctl"
    assert word in finding.advice


def program(path: Path, script: str) -> None:
    """A shell script."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_without_user_namespaces(ground):
    """Really without: in a namespace that may have no further one."""
    if subprocess.run(["unshare", "-Ur", "true"], check=False, capture_output=True).returncode:
        pytest.skip("no user namespaces here")
    if shutil.which("bwrap"):
        pytest.skip("bubblewrap is installed, and says it in its own words")
    taken = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$@"'
    found = told(ground, "unshare", "-Ur", "sh", "-c", taken, "sh")["sandbox"]["found"]
    assert "no user namespaces: user.max_user_namespaces is 0; as root: sysctl user.max_user_namespaces=15000" in found


@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")
def test_a_bubblewrap_that_works(ground):
    """As it will be started to judge generated code."""
    assert sandbox.sandbox(ground).sign is Sign.OK


# The person's session


def on_a_terminal(ground: Ground, **environment: str) -> str:
    """What the command prints on a real terminal of 80 columns."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(environment)
        os.execv(sys.executable, [*DOCTOR, "--store", str(ground.store.path), "doctor"])
    fcntl.ioctl(terminal, 0x5414, b"\x18\x00\x50\x00\0\0\0\0")  # TIOCSWINSZ: 24 x 80
    said = b""
    try:
        while part := os.read(terminal, 65536):
            said += part
    except OSError:
        pass
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    return said.decode()


def test_the_terminal(ground):
    """Its kind, colours, encoding and size; lines fit; a dumb one is told."""
    said = on_a_terminal(ground, TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8", PYTHONUTF8="1", TMUX="", STY="")
    assert "ok    terminal       xterm-256color, 16 million colours, utf-8, 80x24" in said
    assert max(map(len, said.splitlines())) <= 80
    said = on_a_terminal(ground, TERM="dumb", COLORTERM="", PYTHONIOENCODING="ascii")
    assert "warn  terminal       dumb, 16 colours, ascii, 80x24" in said
    assert "none here" in told(ground)["terminal"]["found"]


@pytest.mark.skipif(not shutil.which("tmux"), reason="tmux is not installed")
def test_tmux_and_what_it_lets_through(ground, tmp_path, monkeypatch):
    """A real one: as it comes, then as it should be."""

    def tmux(*words: str) -> str:
        return subprocess.run(["tmux", "-S", str(tmp_path / "tmux"), *words], capture_output=True, text=True, check=True).stdout

    monkeypatch.delenv("TMUX", raising=False)
    tmux("-f", "/dev/null", "new-session", "-d", "sleep 60")
    try:
        monkeypatch.setenv("TMUX", f"{tmp_path / 'tmux'},1,0")
        finding = session.multiplexer(ground)
        assert finding.sign is Sign.WARN
        assert finding.found.startswith("tmux ")
        assert "set-clipboard external, allow-passthrough off, mouse off" in finding.found
        assert "tmux set -s set-clipboard on" in finding.advice
        tmux("set", "-s", "set-clipboard", "on")
        tmux("set", "-g", "mouse", "on")
        assert session.multiplexer(ground).sign is Sign.OK
    finally:
        tmux("kill-server")
    assert "does not answer" in session.multiplexer(ground).found or session.multiplexer(ground).sign is Sign.WARN


def test_screen_and_ssh(ground, monkeypatch):
    """No word against a connection without either."""
    for name in ("TMUX", "STY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    assert session.multiplexer(ground) == Finding(Sign.OK, "none")
    monkeypatch.setenv("SSH_CONNECTION", "1.2.3.4 5 6.7.8.9 22")
    assert "runs outlive the terminal" in session.multiplexer(ground).found
    monkeypatch.setenv("STY", "1.pts")
    assert session.multiplexer(ground).sign is Sign.WARN


@pytest.fixture
def person(drawn, monkeypatch):
    """A machine made of files, looked at by someone called `me`."""

    def look(files: dict[str, str], user: int) -> Ground:
        monkeypatch.setattr(os, "geteuid", lambda: user)
        monkeypatch.setattr(pwd, "getpwuid", lambda _: pwd.struct_passwd(("me", "x", user, user, "", "/", "/bin/sh")))
        return drawn(files)

    return look


@pytest.mark.parametrize(
    ("files", "user", "sign", "word"),
    [
        ({}, 1000, Sign.OK, "no systemd"),
        ({"etc/systemd/logind.conf": "[Login]\n#KillUserProcesses=yes\nRemoveIPC=no\n"}, 1000, Sign.OK, "KillUserProcesses=no"),
        ({"etc/systemd/logind.conf": "[Login]\nKillUserProcesses=yes\n"}, 1000, Sign.WARN, "systemd-run --user --scope"),
        ({"etc/systemd/logind.conf": "[Login]\nKillUserProcesses=yes\n"}, 0, Sign.OK, "KillUserProcesses=yes"),
        (
            {
                "etc/systemd/logind.conf": "[Login]\nKillUserProcesses=yes\n",
                "usr/lib/systemd/logind.conf.d/50-a.conf": "[Login]\nKillUserProcesses=yes\n",
                "etc/systemd/logind.conf.d/50-a.conf": "[Login]\nRemoveIPC=no\nKillUserProcesses = no\n",
            },
            1000,
            Sign.OK,
            "KillUserProcesses=no",
        ),
        ({"etc/systemd/logind.conf": ""}, 1000, Sign.WARN, "shared memory"),
        ({"etc/systemd/logind.conf": "", "var/lib/systemd/linger/me": ""}, 1000, Sign.OK, "lingering on"),
        (
            {"etc/systemd/logind.conf": "[Login]\nKillUserProcesses=1\n", "var/lib/systemd/linger/me": ""},
            1000,
            Sign.WARN,
            "systemd-run",
        ),
        (
            {
                "etc/systemd/logind.conf": "[Login]\nKillUserProcesses=1\n",
                "var/lib/systemd/linger/me": "",
                "proc/self/cgroup": "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope",
            },
            1000,
            Sign.OK,
            "lingering on",
        ),
    ],
)
def test_what_happens_at_logout(person, files, user, sign, word):
    """By logind's files and drop-ins, `/etc` over the rest; root is spared; to linger is not enough where they are killed."""
    finding = session.logout(person({**files, **({"run/systemd/system/x": ""} if files else {"etc/x": ""})}, user))
    assert (finding.sign, word in finding.found + finding.advice) == (sign, True), finding


def test_slurm_in_a_word(ground, tmp_path, monkeypatch):
    """By its command."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert session.slurm(ground).found == "none"
    program(tmp_path / "bin" / "sbatch", "true")
    assert session.slurm(ground).found == "there"
