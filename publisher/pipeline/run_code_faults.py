"""Which exceptions of a stranger's code are the machine's: a package, a GPU, a repo or a file that a reader may have."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec

_MODULE = re.compile(r"ModuleNotFoundError: No module named '([\w.]+)'")
_VARIABLE = re.compile(r"KeyError: '([A-Z][A-Z0-9]*_[A-Z0-9_]+)'")
_WAYS = (
    (
        "a package that is not installed here",
        (
            r"PackageNotFoundError|^ImportError: (?!cannot import name).*(?:requires|not found in your environment|"
            r"pip install|not installed|is needed)|but it was not found in your environment"
        ),
    ),
    (
        "a GPU",
        (
            r"NVIDIA driver|No CUDA GPUs|not compiled with CUDA|CUDA (?:error|driver|is not|was not|not) ?|"
            r"cuda is not available|no (?:GPU|accelerator)|GPU (?:was )?not found|GPU is (?:required|needed)|"
            r"\bMPS\b|\bXPU\b|libcuda|deserialize object on a CUDA device|only (?:be )?(?:run|supported|available) on (?:a )?(?:GPU|CUDA)"
        ),
    ),
    (
        "a repo or an address that cannot be reached from here",
        (
            r"couldn't connect to|couldn't reach|can't load|LocalEntryNotFound|OfflineMode|offline mode|"
            r"outgoing traffic has been disabled|Connect(?:ion)?Error|ConnectTimeout|Max retries|"
            r"[Nn]ame resolution|Name or service not known|Network is unreachable|gaierror|URLError|"
            r"GatedRepo|RepositoryNotFound|valid model identifier|HFValidationError|Repo id must|"
            r"on the Hugging Face Hub|Connection refused|cannot find the requested files"
        ),
    ),
    (
        "a login",
        r"TokenNotFound|token is required|hf auth login|huggingface-cli login|LoginRequired|API key|api_key",
    ),
    ("somebody who answers", r"^EOFError: EOF when reading a line|StdinNotImplemented"),
    ("a screen", r"no display|TclError|could not connect to display"),
)
_NO_FILE = re.compile(
    r"(?:FileNotFoundError|NotADirectoryError|No such file or directory|no such file)[^'\"]*(?:['\"](.*)['\"])?"
)


def missing_here(error: str, folders: Sequence[str]) -> str | None:
    """What the code needs and does not find on this machine; None where the fault is its own.

    Args:
        error: the last line of a traceback, as `KeyError: 'a'`.
        folders: that stand for repos; a file that is missing in one of them is missing for every reader.
    """
    module = _MODULE.match(error)
    if module is not None:
        name = module[1].partition(".")[0]
        return (
            None
            if find_spec(name) is not None
            else f"it needs the package {name}, which is not installed here"
        )
    variable = _VARIABLE.match(error)
    if variable is not None:
        return f"it needs the environment variable {variable[1]}"
    if any(folder in error for folder in folders):
        return None
    file = _NO_FILE.search(error)
    if file is not None:
        return f"it needs the file {file[1]}" if file[1] else "it needs a file that the card does not bring"
    for thing, words in _WAYS:
        if re.search(words, error, re.IGNORECASE):
            return f"it needs {thing}: {error[:200]}"
    return None
