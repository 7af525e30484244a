"""The rule where an experiment says nothing, and which measures it can name."""

from math import sqrt
from pathlib import Path

import msgspec
import pytest

from sirtui.cli import main
from sirtui.cli.checked import checked
from sirtui.core.errors import UsageError
from sirtui.core.rule import declared, rule
from sirtui.core.samples import Answers, Mark, Marks, Outcome, Problem
from sirtui.core.spec import Spec
from sirtui.recipes.declare import check_measure, resolved
from sirtui.recipes.shelf import Evaluation, Judged, Tools, find, names

CORRECT = tuple(f"diversity.{each}.correct" for each in ("ngram", "semantic", "equations"))
TASKS = """
from sirtui.core.samples import Problem

class Plain:
    def __init__(self, name, levels=()):
        self.name, self.levels, self.ood = name, levels, ()

    def problems(self, split, data):
        return [Problem(f"{self.name}/{split}-{n}", "?", "1", self.levels[0] if self.levels else None) for n in range(3)]

    def prompt(self, problem): ...
    def judge(self, answers): ...
    def steps(self, answer):
        return ()

TASK, ONE, TWO = Plain("plain"), Plain("one", ("1", "2")), Plain("two")
"""


@pytest.fixture
def plain(tmp_path: Path) -> str:
    """A task without equations, levels or others to test forgetting on; in its file `ONE` has levels, `TWO` has none."""
    (tmp_path / "plain.py").write_text(TASKS)
    return f"{tmp_path}/plain.py"


def a_spec(task: str = "nano", samples: int = 8, **evaluation) -> Spec:
    fields = {"name": "a", "base_model": "org/model", "task": task, "evaluation": {"samples": samples, **evaluation}}
    return msgspec.convert(fields, Spec)


def judging(spec: Spec, **verdicts) -> Spec:
    return msgspec.structs.replace(spec, verdicts=msgspec.convert(verdicts, type(spec.verdicts)))


def essential(spec: Spec) -> tuple[str, ...]:
    return resolved(spec).verdicts.essential


@pytest.mark.parametrize(
    ("samples", "keys"),
    [
        (1, ("ood.accuracy",)),
        (4, ("pass@2", "ood.accuracy")),
        (8, ("pass@4", *CORRECT, "ood.accuracy")),
        (50, ("pass@16", *CORRECT, "ood.accuracy")),
    ],
)
def test_what_the_samples_allow_is_essential(samples, keys):
    """Nano has equations and one other task: all five from eight samples on."""
    assert essential(a_spec(samples=samples)) == keys


def test_what_the_task_allows_is_essential(plain):
    """No equations, no embedder, no other task, or several: each changes what can be lost."""
    assert essential(a_spec(plain)) == ("pass@4", *CORRECT[:2])
    assert essential(a_spec(plain, embedder="")) == ("pass@4", CORRECT[0])
    assert essential(a_spec(embedder="")) == ("pass@4", CORRECT[0], CORRECT[2], "ood.accuracy")
    assert essential(a_spec(ood=[])) == ("pass@4", *CORRECT)
    assert essential(a_spec(plain, ood=[f"{plain}:ONE"])) == ("pass@4", *CORRECT[:2], "ood.accuracy")
    several = a_spec(plain, ood=[f"{plain}:ONE", f"{plain}:TWO"])
    assert essential(several)[3:] == ("one/ood.accuracy", "two/ood.accuracy")
    assert {"one/ood.disparity", "two/ood.disparity"} <= set(resolved(several).verdicts.watch)


def test_all_is_written_out_and_what_was_said_stays(plain):
    """Resolving twice changes nothing, an empty list is an answer, and no measure gets two parts."""
    said = judging(a_spec(plain), target="pass@4", essential=[], alpha=0.01, looks=[2, 5])
    found = resolved(said)
    assert (found.verdicts.essential, found.verdicts.alpha, found.verdicts.looks) == ((), 0.01, (2, 5))
    assert resolved(found) == found
    assert msgspec.structs.replace(found, verdicts=said.verdicts) == said
    aimed = resolved(judging(a_spec(), target=CORRECT[0], watch=["ood.accuracy"])).verdicts
    assert aimed.essential == ("pass@4", *CORRECT[1:])
    every = [aimed.target, *aimed.essential, *aimed.watch]
    assert len(set(every)) == len(every)
    assert resolved(judging(a_spec(), essential=["pass@1.greedy"])).verdicts.watch[0] == "cover@.5"


def test_the_rule_on_record_is_that_of_the_task(plain):
    """Another task, another rule; another seed, the same."""
    hashes = [declared(rule(resolved(a_spec(task)))).hash for task in ("nano", plain)]
    assert hashes[0] != hashes[1]
    assert declared(rule(resolved(msgspec.structs.replace(a_spec(), seed=9)))).hash == hashes[0]


def an_evaluation() -> Evaluation:
    """Four problems of nano and of its other task, half of whose eight samples are right, all of them with equations."""

    def judged(task: str, n: int, level: str) -> Judged:
        problem = Problem(f"{task}/test-{n}", f"{n}?", "#### 1", level)
        texts = tuple(f"{n} + {sample} = {n + sample}\n#### 1" for sample in range(8))
        marks = tuple(Mark(Outcome.CORRECT if sample % 2 else Outcome.INCORRECT, str(sample % 2)) for sample in range(8))
        drawn = Answers(problem.id, texts, (9,) * 8, (True,) * 8, (-0.5,) * 8)
        return Judged(problem, drawn, Marks(problem.id, marks), drawn.first(1), marks[1])

    test = [judged("nano", n, "1") for n in range(4)]
    ood = [judged("nano-algebra", n, str(n % 5 + 1)) for n in range(10)]
    return Evaluation(1, test, ood, test, test)


def test_every_measure_that_is_compared_can_be_named_and_no_other():
    """What the shelf's measures give for nano is what the rule may speak of."""
    import numpy as np

    tools = Tools(
        lambda texts: np.full((len(texts), 2), sqrt(0.5)), 8, 2, {name: find("tasks", name) for name in ("nano", "nano-algebra")}
    )
    now = an_evaluation()
    found = [each for name in names("measures") for each in find("measures", name).of(now, now, tools)]
    compared = {each.key for each in found if each.compared and (each.scores or each.key == "ood.disparity")}
    for key in sorted(compared):
        check_measure(key, a_spec())
    with pytest.raises(UsageError) as caught:
        check_measure("nothing like it", a_spec())
    there = caught.value.hint.removeprefix("Expected one of ").removesuffix(".").split(", ")
    assert set(there) == compared


@pytest.mark.parametrize(
    ("key", "samples", "message", "hint"),
    [
        ("pass@1.smapled", 8, "no measure is called 'pass@1.smapled'", "Expected pass@1.sampled."),
        ("diversity.ngrams.correct", 8, "no measure is called", "Expected diversity.ngram.correct."),
        ("odd.accuracy", 8, "no measure is called", "Expected ood.accuracy."),
        ("pass@16", 8, "pass@16 cannot be had here", "Expected pass@K with K = 2, 4, 8 ... up to evaluation.samples (8)."),
        ("pass@2", 1, "pass@2 cannot be had here", "Expected pass@K"),
        (CORRECT[0], 7, f"{CORRECT[0]} cannot be had here", "Diversity needs 8 samples, the semantic one an embedder."),
        ("sets.gained", 8, "no measure is called 'sets.gained'", "Expected "),
        ("one/ood.accuracy", 8, "no measure is called 'one/ood.accuracy'", "Expected ood.accuracy."),
    ],
)
def test_what_cannot_be_measured_cannot_be_named(key, samples, message, hint):
    """Misspelt, more than the samples tell, or of no problem by itself: with the nearest name there is."""
    with pytest.raises(UsageError) as caught:
        check_measure(key, a_spec(samples=samples))
    assert caught.value.message.startswith(message)
    assert caught.value.hint.startswith(hint)


def test_the_semantic_diversity_needs_an_embedder(plain):
    """And each of several other tasks stands in front of its keys."""
    with pytest.raises(UsageError, match="cannot be had here"):
        check_measure(CORRECT[1], a_spec(embedder=""))
    several = a_spec(ood=["nano-algebra", f"{plain}:ONE"])
    for key in ("one/ood.accuracy", "nano-algebra/ood.disparity", "one/ood.accuracy.level_2"):
        check_measure(key, several)
    with pytest.raises(UsageError, match="no measure is called 'ood.accuracy'"):
        check_measure("ood.accuracy", several)


def test_measures_of_ones_own_may_have_any_name():
    """What they give is known when they are run."""
    check_measure("toy.doubt", a_spec(measures=["toy.py"]))
    check_measure("pass@1000", a_spec(measures=["toy.py"]))


def test_a_raw_diversity_that_does_not_exist_is_not_said_to_lack_samples():
    """Eight samples and an embedder are there."""
    with pytest.raises(UsageError) as caught:
        check_measure("diversity.ngram.correct.raw", a_spec(samples=50))
    assert caught.value.message == "no measure is called 'diversity.ngram.correct.raw'"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            'target = "pass@1.smapled"',
            "verdicts.target: no measure is called 'pass@1.smapled'\n  Expected pass@1.sampled.",
        ),
        ('essential = ["pass@4", "pass@64"]', "verdicts.essential: pass@64 cannot be had here\n  Expected pass@K"),
        ('watch = ["answer.length"]', "verdicts.watch: no measure is called 'answer.length'\n  Expected answers.length."),
        ('delta = { "pass@3" = 0.1 }', "verdicts.delta: pass@3 cannot be had here\n  Expected pass@"),
        (
            'essential = ["diversity.semantic.correct"]',
            "verdicts.essential: diversity.semantic.correct cannot be had here\n  Diversity",
        ),
        ('target = "answers.nll"', "verdicts.target: answers.nll can be watched, but decide nothing\n  Neither higher nor"),
        ('essential = ["answers.length"]', "verdicts.essential: answers.length can be watched, but decide nothing\n"),
    ],
)
def test_a_rule_that_names_no_measure_is_refused_before_anything_starts(tmp_path, capsys, said, told):
    """By `sirtui check`, as by all that read an experiment: exit code 2, nothing made."""
    file = tmp_path / "my.toml"
    file.write_text(
        f'name = "a"\nbase_model = "org/model"\ntask = "nano"\n[evaluation]\nsamples = 8\nembedder = ""\n[verdicts]\n{said}\n'
    )
    assert main(["--store", str(tmp_path / "store"), "check", str(file)]) == 2
    assert capsys.readouterr().err.startswith(f"sirtui: {file}: {told}")
    assert not (tmp_path / "store").exists()


def test_a_rule_that_can_be_kept_is_taken(tmp_path):
    """Every part of it by a key there is."""
    file = tmp_path / "my.toml"
    verdicts = '[verdicts]\nessential = ["pass@4"]\nwatch = ["answers.nll"]\ndelta = { "answers.nll" = 0.1 }\nlooks = "open"\n'
    file.write_text(f'name = "a"\nbase_model = "org/model"\ntask = "nano"\n[evaluation]\nsamples = 8\nembedder = ""\n{verdicts}')
    assert checked(file).verdicts.essential == ("pass@4",)


@pytest.mark.parametrize("key", ["answers.length", "answers.entropy", "answers.nll"])
def test_what_has_no_better_direction_decides_nothing(key):
    """It can be watched; also among measures of one's own."""
    check_measure(key, a_spec())
    for spec in (a_spec(), a_spec(measures=["toy.py"])):
        with pytest.raises(UsageError, match=f"{key} can be watched, but decide nothing"):
            check_measure(key, spec, decides=True)
    check_measure("pass@1.sampled", a_spec(), decides=True)
