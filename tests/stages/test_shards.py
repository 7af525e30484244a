"""Sampling and judging by shards: whatever the interruption, the same files, and at most one shard made twice."""

import shutil
import sys
from pathlib import Path
from random import Random

import pytest
from builders import NOW, make_run
from hypothesis import given
from hypothesis import strategies as st

from sirtui.core.events import Progress
from sirtui.core.run import JobRecord, Kind, Stage
from sirtui.core.samples import Answers
from sirtui.recipes.shelf import find
from sirtui.stages import judge, sample, shards
from sirtui.stages.context import Context
from sirtui.stages.partial import claim
from sirtui.stages.shards import Shards, cut, problems_a_shard

TOY = Path(__file__).parents[1] / "loop/toy.py"
PROGRAMS = {Kind.SAMPLE: sample, Kind.JUDGE: judge}


@given(st.integers(1, 300), st.integers(1, 600))
def test_a_shard_is_some_hundreds_of_answers_in_full_batches(n, batch):
    """Its last batch is empty by a ninth of its rows at most, and it is no longer than it has to be."""
    count = problems_a_shard(n, batch)
    rows = count * n
    assert rows <= max(shards.ANSWERS, shards.BATCHES * batch, n)
    if n <= batch:
        assert -rows % batch <= rows / 8


@pytest.mark.parametrize(("n", "batch", "count"), [(50, 32, 7), (1, 32, 512), (16, 256, 128), (64, 32, 8), (1000, 32, 1)])
def test_the_size_of_a_shard(n, batch, count):
    """As many problems as keep the batches full, or nearly so."""
    assert problems_a_shard(n, batch) == count


@given(st.lists(st.integers(1, 700)))
def test_pieces_are_in_order_and_end_where_there_is_enough(sizes):
    """Nothing is left out or twice; all but the last reach the size, and none would without its last item."""
    pieces = cut(sizes, lambda size: size)
    assert [size for piece in pieces for size in piece] == sizes
    assert all(sum(piece) >= shards.ANSWERS for piece in pieces[:-1])
    assert all(sum(piece[:-1]) < shards.ANSWERS for piece in pieces)


class Interrupted(BaseException):
    """What a signal raises in a stage."""


class Broken:
    """The toy recipes, interrupted when they have made `left` answers or marks; how many they made, and how often they open."""

    def __init__(self, monkeypatch):
        self.left, self.made, self.opened = 10**9, 0, 0
        toy = sys.modules[type(find("samplers", str(TOY))).__module__]
        monkeypatch.setattr(toy._Guesser, "sample", self._counted(toy._Guesser.sample))
        monkeypatch.setattr(toy.Adding, "judge", self._counted(toy.Adding.judge))
        monkeypatch.setattr(toy.Guessing, "open", self._opening(toy.Guessing.open))

    def _opening(self, method):
        def call(*given):
            self.opened += 1
            return method(*given)

        return call

    def _counted(self, method):
        def call(*given):
            for each in method(*given):
                size = len(each.texts) if isinstance(each, Answers) else 1
                if self.left < size:
                    raise Interrupted
                self.left -= size
                self.made += size
                yield each

        return call


@pytest.fixture
def toy(monkeypatch):
    """Shards of about 16 answers, and recipes that can be interrupted."""
    monkeypatch.setattr(shards, "ANSWERS", 16)
    monkeypatch.setattr(shards, "BATCHES", 4)
    return Broken(monkeypatch)


@pytest.fixture
def run(tmp_path):
    """M_1 is trained; two sets of 24 answers, two greedy ones."""
    named = str(TOY)
    run = make_run(
        tmp_path,
        task=named,
        method=(named, named),
        iterations=2,
        sampling={"sampler": named, "n": 3, "batch_size": 4},
        evaluation={"samples": 3, "first_samples": 5, "ood": [named], "embedder": "", "ood_samples": 2},
    )
    run.folder.checkpoint(1).mkdir(parents=True)
    (run.folder.checkpoint(1) / "skill.json").write_text('{"skill": 0.5}')
    return run.finish("it01/train")


class Working:
    """Attempts at one stage of a run, in this process."""

    def __init__(self, run, kind, folder):
        self.run, self.stage, self.folder = run, Stage(1, kind), folder
        self.told = []

    def attempt(self):
        job = JobRecord(str(self.run.folder.path), self.stage, 1, self.run.spec, NOW)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir()
        PROGRAMS[self.stage.kind].work(Context(job, self.run.folder, self.folder, self.folder, self.told.append))

    def until_done(self, broken, lengths):
        """One attempt after the other, each interrupted after so many answers, until one is not; how many it took."""
        for number, length in enumerate(lengths, 1):
            broken.left = length
            try:
                self.attempt()
            except Interrupted:
                continue
            return number
        raise AssertionError("never done")

    def results(self):
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir())}

    def anew(self):
        shutil.rmtree(self.run.folder.stage(self.stage).partial)


@pytest.fixture(params=PROGRAMS)
def working(request, run, toy, tmp_path):
    """A stage at which nothing was done yet, and what an undisturbed attempt leaves."""
    sampling = Working(run, Kind.SAMPLE, tmp_path / "out")
    sampling.attempt()
    stage = sampling
    if request.param is Kind.JUDGE:
        for name, content in sampling.results().items():
            (run.folder.stage(sampling.stage).path / name).parent.mkdir(parents=True, exist_ok=True)
            (run.folder.stage(sampling.stage).path / name).write_bytes(content)
        run.finish("it01/sample")
        stage = Working(run, Kind.JUDGE, tmp_path / "out")
        stage.attempt()
    stage.expected = stage.results()
    stage.anew()
    toy.made = toy.opened = 0
    return stage


def test_interrupted_at_every_boundary(working, toy):
    """After each number of whole answers once: the same files, and what was made twice is less than a shard each time."""
    total = 12 * (3 + 1 + 5)
    for first in range(total):
        toy.made = 0
        attempts = working.until_done(toy, [first, 10**9])
        assert working.results() == working.expected
        assert attempts == 2
        assert total <= toy.made < total + 20
        working.anew()


def test_interrupted_at_random_points(working, toy):
    """Again and again: every attempt that made a shard counts, and the joined files are the same."""
    for seed in range(8):
        random = Random(seed)
        attempts = working.until_done(toy, [random.randint(16, 40) for _ in range(60)])
        assert attempts >= 3
        assert working.results() == working.expected
        working.anew()


def test_what_is_there_is_not_made_again(working, toy):
    """A second attempt after a whole one makes nothing; progress begins where the first one ended."""
    working.until_done(toy, [10**9])
    toy.made = toy.opened = 0
    working.told.clear()
    working.attempt()
    assert (toy.made, toy.opened) == (0, 0)
    assert working.results() == working.expected
    told = [event for event in working.told if isinstance(event, Progress)]
    assert told[-1].done == told[-1].total


def test_progress_counts_what_is_there(run, toy, tmp_path):
    """The first thing told is how much an earlier attempt left."""
    stage = Working(run, Kind.SAMPLE, tmp_path / "out")
    with pytest.raises(AssertionError, match="never done"):
        stage.until_done(toy, [30])
    stage.told.clear()
    toy.left = 10**9
    stage.attempt()
    assert (stage.told[0].done, stage.told[0].total) == (24, 108)
    assert stage.told[-1].done == 108


@pytest.mark.parametrize("damage", ["cut", "empty", "zeros", "swapped", "short", "other problem"])
def test_a_damaged_shard_is_made_again(working, toy, damage):
    """Half a line, nothing, zeros, another shard's lines, a line too few, another problem: that one alone is made again."""
    working.until_done(toy, [10**9])
    partial = working.run.folder.stage(working.stage).partial / "test-samples"
    shard, other = partial / "00000.jsonl", partial / "00001.jsonl"
    content = shard.read_bytes()
    lines = content.splitlines(keepends=True)
    shard.write_bytes(
        {
            "cut": content[:-9],
            "empty": b"",
            "zeros": bytes(len(content)),
            "swapped": other.read_bytes(),
            "short": b"".join(lines[:-1]),
            "other problem": content.replace(b"test-0", b"test-9"),
        }[damage]
    )
    toy.made = 0
    working.attempt()
    assert working.results() == working.expected
    assert 0 < toy.made <= 20


def test_other_answers_are_judged_anew(working, toy):
    """What an attempt made from something else left is not looked at."""
    working.until_done(toy, [10**9])
    stage = working.run.folder.stage(working.stage)
    claim(stage, "of something else")
    toy.made = 0
    working.attempt()
    assert toy.made == 108
    assert working.results() == working.expected


def test_an_empty_set_is_an_empty_file(tmp_path):
    """No shards, joined."""
    Shards(tmp_path / "none", Answers).join(0, tmp_path / "joined")
    assert (tmp_path / "joined").read_bytes() == b""
