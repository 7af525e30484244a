"""What measuring leaves behind, enough to compute everything again: the files of a `measure/` folder."""

from __future__ import annotations

import msgspec


class Group(msgspec.Struct, frozen=True):
    """The counts behind one diversity of one problem, for one subset of its samples.

    `samples` = c; `types` maps df to how many types stand in exactly df samples (keys as text, for JSON); `total` = all
    n-grams (or equation lists) of the group; `cosines` = sum of the pairwise cosines of its `pairs` pairs.
    """

    samples: int
    types: dict[str, int] = {}
    total: int = 0
    cosines: float | None = None
    pairs: int = 0


class ProblemRecord(msgspec.Struct, frozen=True):
    """A line of `problems.jsonl`: one problem of one evaluation.

    `bits`: correctness of its samples in the order drawn; `infra`: which of them (by index) the judge failed on, never
    scored; `further`: the bits of M_1's further samples; `greedy`: of the greedy answer; `truncated` and `unparsed`: how
    many samples did not end by themselves, or could not be read; `scores`: per measure key, its value here; `members`:
    the same of measures whose change is not the mean change of these; `groups`: per diversity and subset
    (`ngram.3.correct`), the counts behind it.
    """

    problem: str
    split: str
    level: str | None = None
    cluster: str | None = None
    greedy: bool | None = None
    bits: tuple[bool, ...] = ()
    infra: tuple[int, ...] = ()
    further: tuple[bool, ...] = ()
    truncated: int = 0
    unparsed: int = 0
    scores: dict[str, float] = {}
    members: dict[str, float] = {}
    groups: dict[str, Group] = {}


class EvaluationRecord(msgspec.Struct, frozen=True):
    """`evaluation.json`: which model was measured, on what, and how.

    Of `checkpoint` (its files), `problems` (ids, questions, references), `sampler` (its settings) and `grader` (the code
    of the tasks) the sha256 in hex; `embedder` by name. `contaminated`: how many of the `tested` test problems have the
    question of a training problem, None where that was not looked at.
    """

    t: int
    repeat: int
    role: str
    seed: int
    rarefied_to: int | None
    checkpoint: str
    problems: str
    sampler: str
    grader: str
    embedder: str
    contaminated: int | None = None
    tested: int = 0


class Total(msgspec.Struct, frozen=True):
    """One measure of one evaluation in total; see `events.Metric`."""

    key: str
    value: float | None
    stderr: float | None = None
    n: int | None = None
    direction: int = 0
    unit: str = ""
    counts: dict[str, int] = {}


class TotalsRecord(msgspec.Struct, frozen=True):
    """`measures.json`: all measures of one evaluation, in the order they are shown."""

    measures: tuple[Total, ...]
