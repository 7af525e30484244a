"""Experiment files: TOML into frozen structs, every mistake told with file, key and what was expected."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from sirtui.core.errors import SpecError
from sirtui.core.text import without_passwords

Name = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z")]
Choice = Annotated[str, Meta(pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,63}|.+\.py(?::[A-Za-z_]+)?)\Z")]
Text = Annotated[str, Meta(min_length=1)]
Count = Annotated[int, Meta(ge=1)]
Natural = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(gt=0, le=1)]
Level = Annotated[float, Meta(gt=0, lt=1)]
Positive = Annotated[float, Meta(gt=0)]
Method = Literal["sft", "dpo", "sft-dpo", "frozen"] | Annotated[tuple[Choice, ...], Meta(min_length=1)]
T = TypeVar("T")
Several = Annotated[tuple[T, ...], Meta(min_length=1)]
S = TypeVar("S", bound=Struct)

METHODS = {"sft": ("sft",), "dpo": ("dpo",), "sft-dpo": ("dpo", "sft"), "frozen": ("frozen",)}
"""Per method: the trainers of M_2, M_3, ... in turn. M_1 is always SFT on the task's own solutions."""


class Sampling(Struct, frozen=True, forbid_unknown_fields=True):
    """How answers are drawn: for training, for diversity and for coverage alike."""

    sampler: Choice = "transformers"
    n: Count = 50
    temperature: Annotated[float, Meta(gt=0, le=100)] = 0.75
    top_p: Share = 0.95
    max_new_tokens: Count = 1024
    batch_size: Count = 32


class Problems(Struct, frozen=True, forbid_unknown_fields=True):
    """At most how many problems of each split are used; all where left out. `ood` is per task."""

    train: Count | None = None
    test: Count | None = None
    ood: Count | None = None


class Evaluation(Struct, frozen=True, forbid_unknown_fields=True):
    """What each checkpoint is tested on.

    `samples` per test problem, `ood_samples` per OOD problem, `first_samples` per test problem of M_1 (for its pass@K
    on the improvement set), `repeats`: how often M_1 is evaluated again. `ood`: tasks; the task's own where left out.
    `measures`: further ones, beside those on the shelf.
    `embedder`: a sentence-transformers model (hub id, folder, or `package:NAME/folder`), empty for no semantic diversity;
    it is given at most `embedded` answers per problem, correct and incorrect each.
    """

    samples: Count = 50
    ood_samples: Count = 8
    first_samples: Count = 64
    repeats: Natural = 2
    ood: tuple[Choice, ...] | None = None
    problems: Problems = Problems()
    embedder: str = "sentence-transformers/all-MiniLM-L6-v2"
    embedded: Count = 16
    measures: tuple[Choice, ...] = ()


class Selection(Struct, frozen=True, forbid_unknown_fields=True):
    """Which answers become training data: at most `per_problem` (or as many pairs), duplicates by `dedup` dropped."""

    per_problem: Count = 4
    dedup: Literal["text", "steps", "none"] = "text"


class Verdicts(Struct, frozen=True, forbid_unknown_fields=True):
    """What counts as progress and as reversal, declared before anything runs: measures by key, `core.rule` makes sense of it.

    `essential` must not fall; `watch` is shown and may flag; left out, they are what the task and the samples allow.
    `alpha`: over all looks, for the target and for the essentials each. `delta`: the smallest change that matters, of every
    measure or by key. `looks`: the iterations at which a decision is taken (every one where left out; "open" where the number
    of iterations may still grow), `extra_looks`: how many more `sirtui topup` may take. `on_reversal`: whether the run goes
    on, waits for an answer, or ends.
    """

    target: Text = "pass@1.sampled"
    essential: tuple[Text, ...] | None = None
    watch: tuple[Text, ...] | None = None
    alpha: Level = 0.05
    delta: Positive | dict[Text, Positive] = {}
    looks: tuple[Annotated[int, Meta(ge=2)], ...] | Literal["open"] | None = None
    extra_looks: Natural = 1
    on_reversal: Literal["continue", "pause", "stop"] = "continue"


class Topup(Struct, frozen=True, forbid_unknown_fields=True):
    """M_t and M_1 evaluated `times` more, and one more look at M_t: what `sirtui topup` adds to a run."""

    t: Annotated[int, Meta(ge=2)]
    times: Count = 1


class Resources(Struct, frozen=True, forbid_unknown_fields=True):
    """What a run takes of a machine, and what it leaves on its disk.

    `parallel`: how many stages that hold a model may run at once. `threads` per stage on the CPU; 0 leaves it to torch.
    `gpus`: how many GPUs the run waits for, where there are any; each must have the share `gpu_free` of its memory free.
    `save_every_s`: how often a training leaves a checkpoint to resume from. `grace_s`: how long a stage that is asked to stop
    has to leave another. `retain`: which checkpoints stay. `share`: whether results that another run has already are linked.
    """

    parallel: Count = 1
    threads: Natural = 0
    gpus: Natural = 1
    gpu_free: Share = 0.9
    save_every_s: Positive = 600.0
    grace_s: Positive = 30.0
    retain: Literal["all", "keep+last"] = "all"
    share: bool = True


class Spec(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One experiment, resolved: what `run.json` keeps.

    `base_model`: hub id, folder, or `package:NAME/folder` (a folder inside an installed Python package).
    `train`: per trainer, what its library's configuration takes. `topups`: what was added to the plan, in order.
    """

    name: Name
    base_model: Text
    task: Choice
    data: str | None = None
    method: Method = "sft"
    iterations: Count = 5
    seed: Natural = 0
    init: Literal["previous", "base"] = "previous"
    sampling: Sampling = Sampling()
    evaluation: Evaluation = Evaluation()
    train: dict[str, dict[str, Any]] = {}
    selection: Selection = Selection()
    verdicts: Verdicts = Verdicts()
    resources: Resources = Resources()
    topups: tuple[Topup, ...] = ()

    def trainer(self, t: int) -> str:
        """The name of the trainer that makes M_t, t counted from 1."""
        if not isinstance(self.method, str):
            return self.method[t - 1]
        later = METHODS[self.method]
        return "sft" if t == 1 else later[(t - 2) % len(later)]

    @property
    def trainers(self) -> tuple[str, ...]:
        """The trainers of M_1 ... M_T."""
        return tuple(self.trainer(t) for t in range(1, self.iterations + 1))

    def evaluations(self, t: int, topups: int | None = None) -> int:
        """How often M_t is evaluated, with the first `topups` topups, all of them where None."""
        added = self.topups[:topups]
        if t == 1:
            return 1 + self.evaluation.repeats + sum(each.times for each in added)
        return 1 + sum(each.times for each in added if each.t == t)

    @property
    def method_name(self) -> str:
        """The method in one word: `sft-dpo`, or `sft,dpo,dpo` for a list."""
        return self.method if isinstance(self.method, str) else ",".join(map(label, self.method))


class Matrix(Struct, frozen=True, forbid_unknown_fields=True):
    """What a file with several experiments varies: a list each, every combination of them is a run (`core.matrix`)."""

    base_model: Several[Text] | None = None
    task: Several[Choice] | None = None
    method: Several[Method] | None = None
    seed: Several[Natural] | None = None


class _File(Spec, frozen=True, kw_only=True):
    """All keys that an experiment file may have."""

    matrix: Matrix = Matrix()


def label(choice: str) -> str:
    """A recipe as it is shown: its name, or that of its file."""
    path, _, name = choice.partition(":")
    return "/".join(filter(None, (Path(path).stem, name))) if path.endswith(".py") else choice


def load(path: Path) -> Spec:
    """The experiment in a TOML file, local paths made absolute. `core.matrix.load_all` takes those with a `[matrix]` as well.

    Raises:
        SpecError: the file is missing, is not TOML, or has a wrong key, type, name, path or value.
    """
    return parse(_text(path), str(path), path.parent)


def load_table(path: Path) -> dict[str, Any]:
    """What stands in a TOML file.

    Raises:
        SpecError: the file is missing, or is not TOML.
    """
    return _table(_text(path), str(path))


def load_verdicts(path: Path) -> Verdicts:
    """The `[verdicts]` of an experiment file, whatever else is in it.

    Raises:
        SpecError: see `load`.
    """
    table = load_table(path)
    return converted(table.get("verdicts", {}), Verdicts, table, str(path), "verdicts")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError(
            f"{path}: cannot be read: {getattr(error, 'strerror', None) or 'it is not text'}",
            "Name an experiment file; see experiments/ for some.",
        ) from error


def _table(text: str, file: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{file}: not TOML: {error}") from error


def parse(text: str, file: str, folder: Path) -> Spec:
    """The experiment in `text`; `file` is named in errors, relative paths start from `folder`.

    Raises:
        SpecError: see `load`.
    """
    return made(_table(text, file), file, folder)


def made(table: dict[str, Any], file: str, folder: Path) -> Spec:
    """The experiment that a file's `table` describes; see `parse`.

    Raises:
        SpecError: see `load`.
    """
    if "matrix" in table:
        raise wrong(file, "matrix", "stands for several runs", "one experiment; `sirtui run` and `sirtui check` take a matrix")
    spec = _absolute(converted(table, Spec, table, file), folder)
    _check(spec, file)
    return spec


def converted(value: Any, kind: type[S], table: dict[str, Any], file: str, under: str = "") -> S:
    """`value` as a struct of this kind; it stands `under` this key of a file's `table`.

    Raises:
        SpecError: it does not fit.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        inside = str(error) if " - at `" in str(error) else f"{error} - at `$`"
        raise _told(inside.replace("`$", f"`$.{under}") if under else str(error), table, file) from error


def wrong(file: str, key: str, problem: str, expected: str) -> SpecError:
    """A SpecError in the one form all have: `FILE: KEY: problem`, passwords of URLs masked, and what was expected."""
    return SpecError(f"{file}: {key}: {without_passwords(problem)}", f"Expected {expected}.")


def _check(spec: Spec, file: str) -> None:
    """What no single key's type can say."""
    if not isinstance(spec.method, str) and len(spec.method) != spec.iterations:
        problem = f"{len(spec.method)} for {spec.iterations} iterations"
        raise wrong(file, "method", problem, "one trainer for each iteration, or the name of a method")
    if spec.evaluation.first_samples < spec.evaluation.samples:
        problem = f"{spec.evaluation.first_samples} is less than evaluation.samples ({spec.evaluation.samples})"
        raise wrong(file, "evaluation.first_samples", problem, "at least as many samples of M_1 as of every other iteration")
    check_verdicts(spec, file)
    if spec.data and not Path(spec.data).exists():
        raise wrong(file, "data", f"{spec.data} does not exist", "a file or folder with the task's problems")
    for trainer, settings in spec.train.items():
        for name, value in settings.items():
            if isinstance(value, float) and not isfinite(value):
                raise wrong(file, f"train.{trainer}.{name}", f"got {value}", "a finite number")
    for key, model in (("base_model", spec.base_model), ("evaluation.embedder", spec.evaluation.embedder)):
        local = model.startswith(("/", ".", "~")) or (model.count("/") > 1 and not model.startswith("package:"))
        if local and not Path(model).exists():
            raise wrong(file, key, f"{model} does not exist", "a folder, a hub id, or package:NAME/folder")


def check_verdicts(spec: Spec, file: str) -> None:
    """Whether a measure has one part in the rule, and looks are in order, at iterations there are.

    Raises:
        SpecError: it is not so; `file` is named.
    """
    every = spec.verdicts
    named = [every.target, *(every.essential or ()), *(every.watch or ())]
    for key in named:
        if named.count(key) > 1:
            expected = "each measure once: as the target, among the essential, or on watch"
            raise wrong(file, "verdicts", f"{key} is named {named.count(key)} times", expected)
    looks = every.looks if isinstance(every.looks, tuple) else ()
    if list(looks) != sorted(set(looks)) or any(t > spec.iterations for t in looks):
        raise wrong(file, "verdicts.looks", f"got {list(looks)}", f"iterations from 2 to {spec.iterations}, in order")
    if every.looks == ():
        raise wrong(file, "verdicts.looks", "got []", "at least one iteration, or no such key")
    sizes = every.delta.values() if isinstance(every.delta, dict) else (every.delta,)
    if not all(map(isfinite, sizes)):
        raise wrong(file, "verdicts.delta", "got a number that is not finite", "finite numbers")
    if len(spec.topups) > every.extra_looks:
        raise wrong(file, "topups", f"{len(spec.topups)} of them", f"at most verdicts.extra_looks, {every.extra_looks}")
    for topup in spec.topups:
        if topup.t > spec.iterations:
            raise wrong(file, "topups", f"names iteration {topup.t}", f"iterations from 2 to {spec.iterations}")


def _absolute(spec: Spec, folder: Path) -> Spec:
    """The same with local paths made absolute: `data`, models that are folders, recipes of one's own."""

    def model(text: str) -> str:
        path = folder / Path(text).expanduser()
        return str(path.resolve()) if text and path.exists() else text

    def recipe(text: str) -> str:
        path, colon, name = text.partition(":")
        return f"{(folder / Path(path).expanduser()).resolve()}{colon}{name}" if path.endswith(".py") else text

    replace, every = msgspec.structs.replace, spec.evaluation
    return replace(
        spec,
        data=str((folder / Path(spec.data).expanduser()).resolve()) if spec.data else spec.data,
        base_model=model(spec.base_model),
        task=recipe(spec.task),
        method=spec.method if isinstance(spec.method, str) else tuple(map(recipe, spec.method)),
        train={recipe(trainer): settings for trainer, settings in spec.train.items()},
        sampling=replace(spec.sampling, sampler=recipe(spec.sampling.sampler)),
        evaluation=replace(
            every,
            ood=every.ood if every.ood is None else tuple(map(recipe, every.ood)),
            measures=tuple(map(recipe, every.measures)),
            embedder=model(every.embedder),
        ),
    )


_AT = re.compile(r" - at `(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]*)`")
_NAMED = "a name: a letter or digit, then at most 63 letters, digits, dots, dashes or underscores"
_PLAIN = {"object": "a table", "array": "a list", "str": "text", "int": "a whole number", "float": "a number", "null": "nothing"}


def _told(message: str, table: dict[str, Any], file: str) -> SpecError:
    """Msgspec's complaint in the house's form."""
    found = _AT.search(message)
    inside = found["path"].removeprefix("$").lstrip(".") if found else ""
    message = _AT.sub("", message)
    if unknown := _UNKNOWN.match(message):
        known = tuple(_fields(inside))
        near = get_close_matches(unknown["name"], known, 1)
        expected = f"`{near[0]}`, or {_one_of(known)}" if near else _one_of(known)
        return wrong(file, _joined(inside, unknown["name"]), "unknown key", expected)
    if missing := _MISSING.match(message):
        return wrong(file, _joined(inside, missing["name"]), "missing", "this key: it has no default")
    return wrong(file, inside.replace("[...]", ".*"), f"got {_value(table, inside)}", _expected(message, inside))


def _expected(message: str, inside: str) -> str:
    if "matching regex" in message:
        return _NAMED
    if message.startswith("Invalid enum value"):
        folder, _, name = inside.rpartition(".")
        return _one_of(_choices(_fields(folder)[name.partition("[")[0]]))
    kind = message.removeprefix("Expected ").partition(", got ")[0]
    return re.sub(r"`([^`]*)`", lambda found: " or ".join(_PLAIN.get(each, each) for each in found[1].split(" | ")), kind)


def _value(table: dict[str, Any], inside: str) -> str:
    value: Any = table
    for part in _parts(inside):
        known = value if isinstance(value, dict) else dict(enumerate(value)) if isinstance(value, list) else {}
        if part not in known:
            break
        value = known[part]
    told = without_passwords(repr(value))
    return told if len(told) <= 60 else f"{told[:57]}..."


def _parts(inside: str) -> list[str | int]:
    """The keys of a dotted path, places in lists as numbers: `topups[0].t`."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"[.\[\]]+", inside) if part]


def _fields(inside: str) -> dict[str, Any]:
    """The keys of the table at a dotted path, and their types."""
    kind: Any = _File
    for part in _parts(inside):
        kind = get_args(kind)[0] if isinstance(part, int) else _fields_of(kind)[part]
    return _fields_of(kind)


def _fields_of(kind: Any) -> dict[str, Any]:
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def _choices(kind: Any) -> tuple[str, ...]:
    """The texts that a type admits by name."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    return tuple(choice for part in get_args(kind) for choice in _choices(part))


def _joined(inside: str, name: str) -> str:
    return f"{inside}.{name}" if inside else name


def _one_of(names: Iterable[str]) -> str:
    return "one of " + ", ".join(sorted(names))
