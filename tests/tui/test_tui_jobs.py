"""The tables of jobs and GPUs as text: who comes first, what is said of each, and what goes when room runs out."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
from jobs_play import FIRST, NAME, ORPHANED, PAIR, SECOND, JobsPlay, hostile_machine, machine, no_gpu
from msgspec import structs
from piloting import drawn
from play import HOSTILE, NAN

from sirtui.core.machine import Gpu, GpuProcess, Machine
from sirtui.core.run import Status
from sirtui.tui.commands import End, command
from sirtui.tui.feed import Snapshot
from sirtui.tui.figures import ATTENTION, bar, gibibytes, moment, ordinal
from sirtui.tui.looking import Seen
from sirtui.tui.paint import FAIL, plain, width, wrapped
from sirtui.tui.tables.gpus import gpus_table, gpus_title, sentences
from sirtui.tui.tables.jobs import Job, counts, jobs_table, listed_jobs
from sirtui.tui.tables.runs import Order, matching, ordered, runs_table, sign, status_line
from sirtui.tui.tables.table import lay_out
from sirtui.tui.widgets.bars import title_line

NOW = 1_790_100_000.0


@pytest.fixture
def jobs_play(tmp_path: Path) -> JobsPlay:
    """The play of many jobs at one moment."""
    play = JobsPlay(tmp_path)
    play.began = NOW
    play.moment = 145
    return play


def snapshot_of(play: JobsPlay) -> Snapshot:
    """What the feed would read while jobs are looked at."""
    runs = play.runs()
    busy = {run.name: play.run(run.name).stages for run in runs if run.status.alive or run.status in ATTENTION}
    return Snapshot(runs, play.view(), read=True, stages=busy)


def table(play: JobsPlay, cells: int, seen: Machine | None = None) -> str:
    """The jobs as text."""
    return drawn(jobs_table(listed_jobs(snapshot_of(play), seen, NOW)), cells)


def test_jobs_at_80(jobs_play):
    """What needs someone, each stage at work of each run, what waits in the queue's order, what ended today."""
    assert (
        table(jobs_play, 80, machine())
        == """\
  run                   stage         status    how far, or why             left
! gs…k-llama3-dpo-a1b2  it03/train    failed    CUDA out of memory: tried…
! gsm8k-dpo-0dd5                      lost      the supervisor died
! math-sft-0a0a         it01/train    orphaned  its stage lives on, but i…
▸ nano-sft-dpo-k3x9     it04/train    running   62% step 1250/2000
▸ csqa-sft-77aa         it02/judge    running   15% problems 200/1319
▸ csqa-sft-77aa         i…/r2/sample  running   25% shards 3/12             1:35
  mbpp-sft-1111                       waiting   1st: waits for 1 of 2 GPU…
  mbpp-dpo-2222                       waiting   2nd
  nano-frozen-done                    finished  ⇅REV ng OOD keep it2
  nano-frozen-halt                    stopped
"""
    )


def test_jobs_with_more_room_and_less(jobs_play):
    """With room it is told where and since when; without, run, stage, status and reason stay."""
    wide, narrow = (table(jobs_play, cells, machine()).splitlines() for cells in (124, 60))
    assert wide[0].split() == ["run", "stage", "status", "how", "far,", "or", "why", "left", "where", "since"]
    assert "62% step 1250/2000" in wide[4]
    assert "  GPU 0  " in wide[4]
    assert "  it02/r2/sample  running" in wide[6]
    assert "1st: waits for 1 of 2 GPUs: GPU 1 has 34 " in wide[7]
    assert narrow[1].startswith("! gs…ama3-dpo-a1b2  it03/train    failed    CUDA")
    assert " left" not in narrow[0]


def test_without_a_machine_waiting_runs_have_no_place(jobs_play):
    """The queue is the machine's; until that was looked at, the run's own reason is all there is."""
    lines = table(jobs_play, 80).splitlines()
    assert [line.split()[1] for line in lines if "mbpp" in line] == ["waiting", "waiting"]
    assert "waits for 1 of 2 GPUs" in next(line for line in lines if FIRST in line)
    turned = structs.replace(machine(), queue=machine().queue[::-1])
    names = [job.run.name for job in listed_jobs(snapshot_of(jobs_play), turned, NOW) if job.status is Status.WAITING]
    assert names == [SECOND, FIRST]


def test_the_reason_of_the_queue_counts_where_the_run_has_none(jobs_play):
    """Whoever knows says it."""
    queue = tuple(structs.replace(each, reason="is next") for each in machine().queue)
    found = {job.run.name: job for job in listed_jobs(snapshot_of(jobs_play), structs.replace(machine(), queue=queue), NOW)}
    assert (found[SECOND].place, found[SECOND].reason, found[SECOND].since) == (2, "is next", 1_789_999_100.0)
    assert found[FIRST].reason.startswith("waits for 1 of 2")


def test_where_a_run_works(jobs_play):
    """The GPUs of a stage that holds a model; without any the CPU slots."""
    both = (structs.replace(machine().gpus[0], holder=PAIR), structs.replace(machine().gpus[1], holder=PAIR))
    of_gpus = {job.key: job.where for job in listed_jobs(snapshot_of(jobs_play), structs.replace(machine(), gpus=both), NOW)}
    assert (of_gpus[f"{PAIR}/it02/judge"], of_gpus[f"{PAIR}/it02/repeat-2/sample"]) == ("", "GPU 0,1")
    of_slots = {job.key: job.where for job in listed_jobs(snapshot_of(jobs_play), no_gpu(), NOW)}
    assert of_slots[f"{NAME}/it04/train"] == "CPU 0,1"


def test_a_stopping_run_between_two_stages_and_one_that_waits_while_it_works(jobs_play):
    """A stage says what its run does; a run without a stage at work has a row of its own."""
    shot = snapshot_of(jobs_play)
    runs = [replace(run, status=Status.STOPPING) if run.name in (NAME, PAIR) else run for run in shot.runs]
    stages = {**shot.stages, PAIR: (), SECOND: shot.stages[PAIR]}
    jobs = {job.key: job for job in listed_jobs(replace(shot, runs=tuple(runs), stages=stages), None, NOW)}
    assert (jobs[f"{NAME}/it04/train"].status, jobs[PAIR].status, jobs[PAIR].stage) == (Status.STOPPING, Status.STOPPING, None)
    assert "between two stages" in drawn(jobs_table([jobs[PAIR]]), 80)
    assert jobs[f"{SECOND}/it02/judge"].status is Status.RUNNING
    assert jobs[SECOND].status is Status.WAITING


def test_only_what_ended_within_a_day(jobs_play):
    """What ended before, or long before a hundred others, is on the Iterations screen."""
    shot = snapshot_of(jobs_play)
    done = next(run for run in shot.runs if run.name == "nano-frozen-done")
    many = tuple(replace(done, name=f"done-{number:03}", ended=NOW - 20 * number) for number in range(120))
    old = replace(done, name="old", ended=NOW - 25 * 3600)
    listed = [job.run.name for job in listed_jobs(replace(shot, runs=(*shot.runs, *many, old)), None, NOW)]
    assert listed[8:] == [f"done-{number:03}" for number in range(100)]
    assert [job.key for job in listed_jobs(Snapshot((old,)), None, NOW)] == []
    assert jobs_table(()).empty.startswith("nothing runs, waits or needs you")


def test_gpus(tmp_path):
    """Memory, use and holder of each; below it who else computes there, what a stage of ours left in red; what is gone."""
    assert (
        drawn(gpus_table(Seen(machine())), 110)
        == """\
  gpu  name                            GiB  util  temp  power  used by
▸   0  H100 80GB HBM3  ██████──  62.0/80.0   97%   64C   612W  nano-sft-dpo-k3x9/it04/train
    1  H100 80GB HBM3  █████───  46.0/80.0   31%   48C   180W
                                      12.0                     not ours: python3 of alice (pid 4711)
                                      33.0                     left by gsm8k-dpo-0dd5/it02/sample: VLLM::Engi…
!   2  H100 80GB HBM3                                          is lost: the driver cannot reach it (see dmesg)
"""
    )
    rows = gpus_table(Seen(machine())).rows
    assert [row.cells[-1][0].style for row in rows] == ["", "dim", "", FAIL, FAIL]
    narrow = drawn(gpus_table(Seen(machine())), 60).splitlines()
    assert narrow[1] == "▸   0  62.0/80.0   97%  nano-sft-dpo-k3x9/it04/train"


def test_gpus_of_which_little_is_known():
    """What NVML does not tell is left out, never made up; a free one says so; what could not be found out stands below."""
    bare = Machine(
        "box", (Gpu(0, "a", "T4"), Gpu(1, "b", "T4", 100, NAN, NAN, NAN, NAN)), "the processes on GPU 0 cannot be seen"
    )
    lines = drawn(gpus_table(Seen(bare)), 80).splitlines()
    assert lines[1].split() == ["0", "T4", "free"]
    assert lines[2].split() == ["1", "T4", "–/0.0", "free"]
    assert lines[3].strip().startswith("the processes on GPU 0")
    part = Gpu(0, "a", "T4", 16 * 2**30, None, 0.0, processes=(GpuProcess(7),), holder="r")
    lines = drawn(gpus_table(Seen(Machine("box", (part,)))), 80).splitlines()
    assert lines[1].split() == ["▸", "0", "T4", "–/16.0", "0%", "r"]
    assert lines[2].strip() == "not ours: (pid 7)"


@pytest.mark.parametrize(
    ("holders", "told"),
    [
        ((NAME, NAME), f"2 CPU slots: both held by {NAME}"),
        ((NAME, ""), f"2 CPU slots: 1 held by {NAME}, 1 free"),
        (("a", "b", "a", ""), "4 CPU slots: 2 held by a, 1 held by b, 1 free"),
        (("a", "a", "a"), "3 CPU slots: all 3 held by a"),
        (("a",), "1 CPU slot: held by a"),
        (("", ""), "2 CPU slots: free"),
    ],
)
def test_who_has_the_cpu_slots(holders, told):
    """Without a GPU the plain sentence, and the slots."""
    found = list(sentences(structs.replace(no_gpu(), cpu_holders=holders)))
    assert found == [told, "no GPU here: the NVIDIA driver is not installed"]
    assert list(sentences(Machine("box", (), "no GPU"))) == ["no GPU"]


def test_counts_are_of_runs(jobs_play):
    """A run with two stages at work counts once; one that needs you is told in the singular."""
    jobs = listed_jobs(snapshot_of(jobs_play), machine(), NOW)
    assert counts(jobs) == ["3 need you", "2 running", "2 waiting"]
    assert counts([job for job in jobs if job.run.name in (ORPHANED, PAIR)]) == ["1 needs you", "1 running"]


def test_the_date_is_left_out_today(jobs_play):
    """Since when: on the same day the time alone."""
    noon = time.mktime((2026, 3, 5, 12, 0, 0, 0, 0, -1))
    assert (moment(noon, noon + 3600), moment(noon, noon + 86_400), moment(noon)) == ("12:00", "03-05 12:00", "03-05 12:00")
    job = Job(jobs_play.row(), None, Status.RUNNING, noon)
    assert drawn(jobs_table([job], noon + 60), 120).rstrip().endswith("  12:00")


def test_what_the_pane_of_the_machine_is_about():
    """GPUs, or without any the CPU slots; where there is neither, GPUs."""
    assert [gpus_title(Seen(each)) for each in (machine(), no_gpu(), Machine("box"), None)] == [
        "GPUs of box7",
        "CPU slots of box7",
        "GPUs of box",
        "GPUs",
    ]


def test_what_a_yes_to_resume_means(jobs_play):
    """What is kept; what is lost is spoken of only where a verdict may have stopped the run."""
    lossy = replace(jobs_play.row(), status=Status.PAUSED)
    kept = "Finished stages are kept, and of an unfinished one what it has left on the disk."
    assert lossy.alarm
    told = [
        command("resume", run).means(run)
        for run in (lossy, replace(lossy, status=Status.FAILED), replace(lossy, verdict=None, status=Status.STOPPED))
    ]
    assert told == [f"{kept} What is lost so far stops it no more.", kept, kept]


def test_hostile_texts_are_harmless(jobs_play):
    """Escape codes and endless texts in names, reasons and processes become short text on one line."""
    shot = snapshot_of(jobs_play)
    long = HOSTILE * 2000
    cruel = tuple(replace(run, name=f"{HOSTILE}{number}", reason=long, hint=long) for number, run in enumerate(shot.runs))
    stages = {run.name: (replace(shot.stages[PAIR][0], id=f"{HOSTILE}/x", unit=long),) for run in cruel}
    seen = hostile_machine()
    for each in (jobs_table(listed_jobs(replace(shot, runs=cruel, stages=stages), seen, NOW)), gpus_table(Seen(seen))):
        layout = lay_out(each, 120)
        lines = [*layout.head, *(layout.drawn(row) for row in each.rows)]
        assert all(width(line) == 120 and plain(line).isprintable() for line in lines)
        assert all(len(plain(cell)) < 600 for row in each.rows for cell in row.cells)


def test_an_orphaned_run_needs_you_everywhere(jobs_play):
    """It comes first in the list of runs, is counted in the title, found by its word, and can be resumed and ended."""
    run = next(run for run in jobs_play.runs() if run.status is Status.ORPHANED)
    assert (plain(sign(run.status)), status_line(run.status)[0].style) == ("!", FAIL)
    assert ORPHANED in [each.name for each in ordered(jobs_play.runs(), Order.NEEDS_YOU)[:4]]
    assert [each.name for each in matching(jobs_play.runs(), "orphaned")] == [ORPHANED]
    assert "orphaned: its stage" in drawn(runs_table([run]), 100)
    assert command("resume", run).impossible(run) == ""
    assert command("stop", run).impossible(run) == ""
    assert plain(title_line(Snapshot((run,)), 80)).endswith("vs M1 │ ! 1 needs you ")
    lost, failed = replace(run, status=Status.LOST), replace(run, status=Status.FAILED)
    assert isinstance(command("stop", lost), End)
    assert command("stop", lost).impossible(lost) == ""
    assert command("stop", failed).impossible(failed) == f"{ORPHANED} is failed: nothing to stop"


def test_a_waiting_run_says_for_what(jobs_play):
    """In the list of runs, and in the title where there is room; the title counts how many wait."""
    waiting = next(run for run in jobs_play.runs() if run.name == FIRST)
    assert "waiting: waits for 1 of 2 GPUs: GPU 1 has 34 GiB of 80 free" in drawn(runs_table([waiting]), 160)
    assert "waiting: waits for 1 …" in drawn(runs_table([waiting]), 80)
    view = jobs_play.run(FIRST)
    told = plain(title_line(Snapshot((view.run,), view), 140))
    assert told.startswith(f" sirtui {FIRST} │ it 1/5 waiting: waits for 1 of 2 GPUs: GPU 1 has 34 GiB of 80 free │ 1 waiting  ")
    assert plain(title_line(Snapshot((view.run,), view), 80)).startswith(f" sirtui {FIRST} │ it 1/5 waiting │ 1 waiting  ")
    shot = snapshot_of(jobs_play)
    assert " │ 1 job 2 runs │ 2 waiting " in plain(title_line(shot, 140))
    assert plain(title_line(shot, 90)).startswith(" n…ft-dpo-k3x9 │ it 4/5 train 62% eta 1:15 │ 2 waiting vs M1")


def test_small_figures():
    """Memory in GiB, bars, places; what is not a number is a dash or nothing."""
    assert [gibibytes(size) for size in (0, 2**29, 80 * 2**30, 141 * 2**30, None, NAN, -1)] == [
        "0.0",
        "0.5",
        "80.0",
        "141",
        *"–––",
    ]
    assert [bar(share, 4) for share in (0, 0.5, 1, 7, -1, None, NAN)] == ["────", "██──", "████", "████", "────", "", ""]
    assert [ordinal(place) for place in (1, 2, 3, 4, 11, 12, 13, 21, 112)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]  # fmt: skip
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("語" * 6, 4) == ["語語"] * 3


def test_a_job_is_known_by_run_and_stage(jobs_play):
    """The key tells rows apart that are of one run."""
    run = jobs_play.row()
    assert (Job(run).key, Job(run, jobs_play.view().stages[0]).key) == (NAME, f"{NAME}/it01/train")
