"""The rule by which an iteration is judged, as declared before it runs: resolved from the experiment, in words, and hashed."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from sirtui.core.spec import Spec

VERSION = 1
"""Of the procedure itself: a version that would judge the same numbers otherwise has another."""
_DELTA = 0.02
_DELTA_DISPARITY = 0.03
_RELATIVE = 0.05


class Rule(msgspec.Struct, frozen=True):
    """What is tested, and how strictly. `delta`: by key; others have `delta_of`. `looks`: iterations, in order.

    `is_open`: every iteration is a look, however many there will be (`looks` is empty). `evaluations`: how often M_1 is
    evaluated.
    """

    target: str
    essential: tuple[str, ...]
    watch: tuple[str, ...]
    alpha: float
    delta: dict[str, float]
    default_delta: float | None
    looks: tuple[int, ...]
    extra_looks: int
    evaluations: int
    is_open: bool = False
    version: int = VERSION

    def weight(self, t: int) -> float:
        """w_k: the share of alpha that a look at M_t may spend; over all looks they sum to at most 1.

        1/(looks + extra looks) where their number is fixed beforehand, else 1/(k(k + 1)) for the k-th iteration after M_1.
        """
        return 1 / (t * (t - 1)) if self.is_open else 1 / max(1, len(self.looks) + self.extra_looks)

    def role(self, key: str) -> str:
        """What part a measure has: `target`, `essential`, `watch`, or `shown`, which decides nothing."""
        if key == self.target:
            return "target"
        return "essential" if key in self.essential else "watch" if key in self.watch else "shown"

    def delta_of(self, key: str, unit: str, reference: float) -> float:
        """The smallest change of a measure that matters, in its unit; `reference` is its value at the reference.

        As declared, else .03 for disparities, .02 for what lies between 0 and 1 (shares, diversities), else 5 % of the
        reference's value (.02 where that is 0).
        """
        if key in self.delta:
            return self.delta[key]
        if self.default_delta is not None:
            return self.default_delta
        if key.endswith("ood.disparity"):
            return _DELTA_DISPARITY
        return _DELTA if unit in ("share", "") or not reference else _RELATIVE * abs(reference)


class Declared(msgspec.Struct, frozen=True):
    """The rule in one sentence, and the first 12 hexadecimal digits of the sha256 of the rule."""

    sentence: str
    hash: str


def rule(spec: Spec) -> Rule:
    """The rule of an experiment; what it leaves out is by default."""
    said = spec.verdicts
    return Rule(
        target=said.target,
        essential=default_essential(spec) if said.essential is None else said.essential,
        watch=default_watch(spec) if said.watch is None else said.watch,
        alpha=said.alpha,
        delta=dict(sorted(said.delta.items())) if isinstance(said.delta, dict) else {},
        default_delta=None if isinstance(said.delta, dict) else said.delta,
        looks=tuple(range(2, spec.iterations + 1)) if said.looks is None else said.looks if said.looks != "open" else (),
        extra_looks=0 if said.looks == "open" else said.extra_looks,
        evaluations=1 + spec.evaluation.repeats,
        is_open=said.looks == "open",
    )


def declared(rule: Rule) -> Declared:
    """The rule in words, with its hash."""
    essential = ", ".join(rule.essential) or "(nothing)"
    deltas = [f"{key} {size:g}" for key, size in rule.delta.items()]
    usual = ".02, disparity .03, what is no share 5 %" if rule.default_delta is None else f"{rule.default_delta:g}"
    sentence = (
        f"A reversal is {rule.target} up while any of {essential} is down against M_1: paired tests at alpha {rule.alpha:g}, "
        f"Holm over {len(rule.essential)} essentials, {_looks(rule)}, "
        f"and a change of at least {'; '.join([usual, *deltas])}; M_1 is evaluated {rule.evaluations} times."
    )
    return Declared(sentence, sha256(msgspec.json.encode(rule)).hexdigest()[:12])


def _looks(rule: Rule) -> str:
    if rule.is_open:
        return "a look at every iteration, the k-th at 1/(k(k + 1)) of it"
    looks = f"it{rule.looks[0]}-it{rule.looks[-1]}" if _in_a_row(rule.looks) else ", ".join(f"it{t}" for t in rule.looks)
    share = max(1, len(rule.looks) + rule.extra_looks)
    number = f"{len(rule.looks)} look{'' if len(rule.looks) == 1 else 's'}"
    return f"{number} ({looks or 'none'}) and {rule.extra_looks} extra, each at 1/{share} of it"


def _in_a_row(looks: tuple[int, ...]) -> bool:
    return len(looks) > 1 and looks == tuple(range(looks[0], looks[0] + len(looks)))


def essential_pass(samples: int) -> str | None:
    """pass@K with the highest K = 2, 4, 8 ... of at most half the samples; None below four."""
    half = samples // 2
    return f"pass@{1 << (half.bit_length() - 1)}" if half >= 2 else None


def default_essential(spec: Spec, *, equations: bool = True, ood: tuple[str, ...] = ("",)) -> tuple[str, ...]:
    """What must not fall, of what N samples can tell: pass@K, diversity of correct samples, OOD accuracy.

    `equations`: whether the task's answers have any; `ood`: what stands in front of the OOD keys (one "" for one task).
    """
    samples = spec.evaluation.samples
    diversities = ("ngram", *(("semantic",) if spec.evaluation.embedder else ()), *(("equations",) if equations else ()))
    named = [essential_pass(samples), *(f"diversity.{each}.correct" for each in diversities if samples >= 8)]
    keys = [*filter(None, named), *(f"{front}ood.accuracy" for front in ood)]
    return tuple(key for key in keys if key != spec.verdicts.target and key not in (spec.verdicts.watch or ()))


def default_watch(spec: Spec, *, ood: tuple[str, ...] = ("",)) -> tuple[str, ...]:
    """What is shown, and may flag."""
    keys = (
        "pass@1.greedy",
        "cover@.5",
        *(f"{front}ood.disparity" for front in ood),
        *(f"diversity.{each}.incorrect" for each in ("ngram", "semantic", "equations")),
        *(f"answers.{each}" for each in ("entropy", "length", "unparsed", "ended")),
    )
    return tuple(key for key in keys if key != spec.verdicts.target and key not in (spec.verdicts.essential or ()))
