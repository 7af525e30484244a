"""What measures are called where there is no room for their keys."""

from __future__ import annotations

_PLAIN = {"pass@1.sampled": "pass@1", "pass@1.greedy": "greedy", "ood.accuracy": "OOD", "ood.disparity": "disparity"}


def short(key: str) -> str:
    """`ngram` for `diversity.ngram.correct`, `math-algebra OOD` for `math-algebra/ood.accuracy`."""
    front, slash, rest = key.rpartition("/")
    name = _PLAIN.get(rest)
    if name is None:
        parts = rest.split(".")
        if parts[0] == "diversity" and len(parts) > 2:
            name = " ".join(part for part in parts[1:] if part != "correct")
        elif parts[0] in ("answers", "coverage", "sets") and len(parts) > 1:
            name = " ".join(parts[1:])
        else:
            name = rest.replace("ood.accuracy", "OOD")
    return f"{front} {name}" if slash else name
