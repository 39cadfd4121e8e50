"""FILE092 junk: files that an editor, an operating system or a trainer left behind.

Why   everybody downloads them, and some tell more than was meant: swap files hold text, logs hold paths.
Fix   delete them, or leave them out of the upload.

Bad
    .DS_Store: ←
Bad
    src/__pycache__/train.cpython-311.pyc: ←
Bad
    checkpoint-500/optimizer.pt: ←
Good
    model.safetensors (safetensors):
        weight F32 8x8
    .gitattributes:
        *.safetensors filter=lfs diff=lfs merge=lfs -text
    runs.md:
        # Runs
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.leftovers import leftover_folder
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_NAME = re.compile(
    r"\.DS_Store|\._[^/]*|Thumbs\.db|desktop\.ini|[^/]*\.sw[op]|[^/]*~|[^/]*\.(?:pyc|pyo|tmp|orig|rej)"
    r"|optimizer\.(?:pt|bin)|scheduler\.(?:pt|bin)|rng_state[\w]*\.pth|random_states_\d+\.pkl"
    r"|events\.out\.tfevents\.[^/]*|nohup\.out|\.Rhistory"
)


@rule(Severity.WARNING)
def junk(files: Files) -> Iterator[Fault]:
    """Report each file by itself, and what lies in one folder of leftovers as its first file and a count."""
    folders: Counter[str] = Counter()
    first: dict[str, str] = {}
    for entry in files:
        name = entry.path.rpartition("/")[2]
        folder = leftover_folder(entry.path)
        if folder is not None:
            folders[folder] += 1
            first.setdefault(folder, entry.path)
        elif _NAME.fullmatch(name):
            yield Fault("a leftover that nobody needs", entry.path, hint="delete it")
    for folder, path in first.items():
        count = folders[folder]
        yield Fault(
            f"{count} {'file' if count == 1 else 'files'} in {folder}/, a folder that is no part of a release",
            path,
            hint=f"delete {folder}/",
        )
