"""What the commands that tell of verdicts share: finding runs, asking for comparisons, and the controls beside a run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from sirtui.cli.checked import check_rule
from sirtui.core import rule
from sirtui.core.errors import NotFound, StoreError, UsageError
from sirtui.core.files import find_record, read_record
from sirtui.core.layout import RunFolder
from sirtui.core.plan import looks, plan
from sirtui.core.run import Kind, Manifest, RunRecord, evaluation_id
from sirtui.core.spec import Resources, Spec, Verdicts, check_verdicts, load_verdicts
from sirtui.core.text import clean_record
from sirtui.core.verdict import Request, VerdictRecord
from sirtui.recipes.declare import resolved
from sirtui.store import Store

_ITERATION = re.compile(r"(?:it|M_?|m_?)?0*([0-9]{1,6})")


def iteration(text: str) -> int:
    """The number in `3`, `it3`, `it03` or `M3`.

    Raises:
        UsageError: it is none.
    """
    found = _ITERATION.fullmatch(text)
    if not found or int(found[1]) < 1:
        raise UsageError(f"{text!r} is no iteration", "Iterations are named like it3.")
    return int(found[1])


def record_of(run: RunFolder) -> RunRecord:
    """The run's run.json."""
    return read_record(run.record, RunRecord)


def verdicts(run: RunFolder) -> list[VerdictRecord]:
    """The verdicts there are, one an iteration (of several looks the last), in order; M_1's advice among them."""
    spec = record_of(run).spec
    now = rule.declared(rule.rule(spec)).hash
    found = []
    for t in range(1, spec.iterations + 1):
        there = [path for look in looks(spec, t) if (path := run.verdict(t, look)).exists()]
        if there:
            found.append(_told_if_changed(clean_record(_readable(there[-1])), now))
    return found


def _readable(path: Path) -> VerdictRecord:
    """The verdict in this file.

    Raises:
        StoreError: it is damaged: another iteration's would answer another question.
    """
    try:
        return read_record(path, VerdictRecord)
    except StoreError as error:
        raise StoreError(error.message, f"Remove {path.parent}, and `sirtui resume` makes it again.") from error


def _told_if_changed(record: VerdictRecord, now: str) -> VerdictRecord:
    """With a note where run.json says another rule by now than the verdict was reached by."""
    if record.rule.hash == now:
        return record
    note = f"run.json now has another rule ({now}) than this verdict was reached by ({record.rule.hash})"
    return replace(record, notes=(note, *record.notes))


def verdict_on(run: RunFolder, t: int | None) -> VerdictRecord:
    """The last verdict on M_t; on the last iteration that has one where `t` is None.

    Raises:
        NotFound: there is none (yet).
    """
    return chosen(verdicts(run), t, run.name)


def chosen(among: Sequence[VerdictRecord], t: int | None, whose: str) -> VerdictRecord:
    """The one on M_t, the last one where `t` is None.

    Raises:
        NotFound: there is none (yet).
    """
    found = [record for record in among if record.kind is not None]
    wanted = [record for record in found if t in (None, record.t)]
    if wanted:
        return wanted[-1]
    there = ", ".join(f"it{record.t}" for record in found)
    hint = f"There are verdicts on {there}." if there else "It is made when M_2 is measured."
    raise NotFound(f"{whose} has no verdict {f'on it{t} ' if t else ''}yet", hint)


def request(store: Store, runs: Sequence[RunFolder], against: str, rules: Verdicts | None) -> Request:
    """What to ask for; `against` as a person types it, `rules`: what counts in place of the declared rule.

    Raises:
        UsageError: there is no such reference.
    """
    reference, other = _reference(store, against, runs)
    inputs = {name: digest for run in (*runs, *other) for name, digest in _evaluations(run)}
    hashes = tuple(rule.declared(rule.rule(record_of(run).spec)).hash for run in runs)
    return Request(tuple(str(run.path.absolute()) for run in runs), reference, rules, inputs, hashes)


def _reference(store: Store, text: str, runs: Sequence[RunFolder]) -> tuple[str, Sequence[RunFolder]]:
    if text in ("previous", "peak"):
        return text, ()
    name, slash, place = text.rpartition("/")
    try:
        t = iteration(place)
    except UsageError as error:
        raise UsageError(error.message, "Compare with it1, another iteration, previous, peak, or RUN/it3.") from error
    if slash:
        other = store.folder.run(store.find(name))
        _has(other, t)
        return f"{other.path.absolute()}/{evaluation_id(t)}", (other,)
    for run in runs:
        _has(run, t)
    return evaluation_id(t), ()


def _has(run: RunFolder, t: int) -> None:
    if not run.problems(t).exists():
        raise UsageError(f"{run.name} has no measures of it{t}", "Name an iteration that is measured, `previous` or `peak`.")


def _evaluations(run: RunFolder) -> Iterator[tuple[str, str]]:
    """The evaluations of a run, by name, with the digests of their results."""
    for stage in plan(record_of(run).spec):
        found = find_record(run.stage(stage).manifest, Manifest) if stage.kind is Kind.MEASURE else None
        if found:
            yield f"{run.name}/{stage.id}", found.digest()


def siblings(store: Store, run: RunFolder) -> list[RunFolder]:
    """The runs that differ from this one only in their seed, itself among them, by seed; of equal seeds which came furthest."""
    mine = _but_seed(record_of(run).spec)
    by_seed: dict[int, RunFolder] = {}
    for record, other in _records(store):
        before = by_seed.get(record.spec.seed)
        if _but_seed(record.spec) == mine and _reached(other) > max(1, _reached(before) if before else 1):
            by_seed[record.spec.seed] = other
    by_seed[record_of(run).spec.seed] = run
    return [by_seed[seed] for seed in sorted(by_seed)]


def _records(store: Store) -> Iterator[tuple[RunRecord, RunFolder]]:
    """All runs that can be read, newest first."""
    for row in store.runs():
        folder = store.folder.run(row.name)
        if record := find_record(folder.record, RunRecord):
            yield record, folder


def _reached(run: RunFolder) -> int:
    """Up to which iteration a run is measured."""
    return max((t for t in range(1, record_of(run).spec.iterations + 1) if run.problems(t).exists()), default=0)


def _but_seed(spec: Spec) -> Spec:
    """What must be equal in a group of seeds."""
    return replace(spec, seed=0, name="same", topups=(), resources=Resources())


def check_group(runs: Sequence[RunFolder]) -> None:
    """Whether the runs differ only in their seed.

    Raises:
        UsageError: they differ in more, or not even in that.
    """
    specs = [record_of(run).spec for run in runs]
    first = _flat(_but_seed(specs[0]))
    for run, spec in zip(runs[1:], specs[1:], strict=True):
        here = _flat(_but_seed(spec))
        if different := sorted(key for key in first.keys() | here.keys() if first.get(key) != here.get(key)):
            raise UsageError(
                f"{run.name} and {runs[0].name} differ in {', '.join(different[:5])}", "A group differs in its seed only."
            )
    if len({spec.seed for spec in specs}) < len(specs):
        raise UsageError("two of the runs have the same seed", "A group is of runs that differ in their seed, and only there.")


def _flat(spec: Spec) -> dict[str, Any]:
    flat: dict[str, Any] = {}

    def put(front: str, value: Any) -> None:
        if isinstance(value, dict) and value:
            for key, inner in value.items():
                put(f"{front}.{key}" if front else key, inner)
        else:
            flat[front] = value

    put("", msgspec.to_builtins(spec))
    return flat


def controls(store: Store, run: RunFolder) -> list[tuple[str, int, int]]:
    """The frozen controls of a run (no training, all else the same): name, alarms, and how many verdicts."""
    mine = record_of(run).spec
    found = []
    for record, other in _records(store):
        if record.spec.method_name == "frozen" and mine.method_name != "frozen" and _evaluated_alike(record.spec, mine):
            kinds = [each.kind for each in verdicts(other) if each.kind]
            found.append((other.name, sum(kind.alarm for kind in kinds), len(kinds)))
    return found


def _evaluated_alike(one: Spec, other: Spec) -> bool:
    def ways(spec: Spec) -> tuple[object, ...]:
        return (spec.base_model, spec.task, spec.data, spec.sampling, spec.evaluation, spec.verdicts, spec.train.get("sft"))

    return ways(one) == ways(other)


def rules_in(path: Path | None, run: RunFolder) -> Verdicts | None:
    """The `[verdicts]` of an experiment file, if one was named, as they would be for this run; nothing else in it counts.

    Raises:
        SpecError: the run cannot be judged so.
    """
    if path is None:
        return None
    spec = replace(record_of(run).spec, verdicts=load_verdicts(path), topups=())
    check_verdicts(spec, str(path))
    check_rule(spec, str(path))
    return resolved(spec).verdicts
