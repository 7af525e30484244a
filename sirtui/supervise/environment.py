"""What a stage's process finds in its environment: an allow-list, so that no secret goes where it is not needed."""

from __future__ import annotations

import os
import site
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

import sirtui
from sirtui.core.run import JobRecord, Kind
from sirtui.supervise.launchers import TAG, tag

ALLOWED = (
    # the person and the machine
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_*"),
    # the interpreter
    *("PYTHON*", "VIRTUAL_ENV", "CONDA_*", "LD_LIBRARY_PATH"),
    # accelerators
    *("CUDA_*", "CUBLAS_*", "NVIDIA_*", "HIP_*", "ROCR_*", "NCCL_*"),
    # libraries
    *("HF_*", "HUGGINGFACE_*", "TRANSFORMERS_*", "TORCH*", "PYTORCH_*", "TRITON_*", "ACCELERATE_*", "VLLM_*"),
    *("OMP_*", "MKL_*", "KMP_*", "OPENBLAS_*"),
    # the way to the network
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
"""What every stage may know, as shell patterns."""

TOKENS = ("HF_TOKEN", "HF_TOKEN_PATH", "HUGGING_FACE_HUB_TOKEN")
"""What only a stage that loads a model may know: judging runs generated code."""

SECRETS = ("*TOKEN", "*_KEY", "*APIKEY", "*SECRET*", "*PASSWORD*", "*PASSWD*", "*CREDENTIAL*")
"""What no stage may know, though it be allowed: VLLM_API_KEY, NVIDIA_API_KEY, HF_API_TOKEN ..."""

HARMLESS = ("HF_HUB_DISABLE_IMPLICIT_TOKEN",)
"""What only sounds like a secret."""

OURS = "SIRTUI_"
"""How the names of our own settings begin."""

PROXIES = ("*_proxy", "*_PROXY")
"""The way to the network: where a password stands in it, only for stages that may fetch models and embedders."""

QUIET = {
    "PYTHONUNBUFFERED": "1",
    "TQDM_DISABLE": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
}
"""A log of whole lines, no bars, nobody told."""


def for_job(job: JobRecord, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a stage's process."""
    kind = job.stage.kind
    passed = {name: text for name, text in environment.items() if _may_know(kind, name, text)}
    return importing_sirtui(passed) | QUIET | _threads(job.spec.resources.threads) | {TAG: tag(job)}


def for_supervisor(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a supervisor: what any of its stages may be told, and what sirtui itself reads.

    Generated code that runs as the same person can read it.
    """
    kinds = tuple(Kind)
    passed = {
        name: text
        for name, text in environment.items()
        if name != TAG and (name.startswith(OURS) or any(_may_know(kind, name, text) for kind in kinds))
    }
    return importing_sirtui(passed)


def _may_know(kind: Kind, name: str, text: str) -> bool:
    """Whether a stage of this kind is told a variable."""
    if name in TOKENS:
        return kind.holds_model
    if _matches(name, SECRETS) and name not in HARMLESS:
        return False
    if _matches(name, PROXIES):
        return "@" not in text or kind not in (Kind.JUDGE, Kind.VERDICT)
    return _matches(name, ALLOWED)


def importing_sirtui(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` such that another process finds this very sirtui, wherever it runs and however this one was started.

    What `-m` found in the working directory, or by a relative PYTHONPATH, is named in full. An installed package needs
    nothing, and naming site-packages would put it before the standard library.
    """
    home = Path(sirtui.__file__).resolve().parent.parent
    paths = [str(Path(path).absolute()) for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    if str(home) not in (*paths, *site.getsitepackages(), site.getusersitepackages()):
        paths.insert(0, str(home))
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)} if paths else dict(environment)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _threads(count: int) -> dict[str, str]:
    return {"OMP_NUM_THREADS": str(count), "MKL_NUM_THREADS": str(count)} if count else {}
