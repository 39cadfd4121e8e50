"""DATA113 dataset-script: the dataset is loaded by a Python script.

Why   `datasets` 4 and later run no scripts: "Dataset scripts are no longer supported".
Fix   load it once with an older `datasets`, and publish the rows with `push_to_hub`.

Bad
    README.md:
        ---
        license: mit
        task_categories: [other]
        ---
    aerial.py: ←
        import datasets


        class Aerial(datasets.GeneratorBasedBuilder):
            pass
Good
    README.md:
        ---
        license: mit
        task_categories: [other]
        ---
    prepare.py:
        print("makes the Parquet files")
    data/train-00000-of-00001.parquet:
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.files import DATA_SUFFIXES, Files, RepoKind
from publisher.checks.observe.target import Heads
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_BUILDER = re.compile(
    rb"class \w{1,80}\([\w.]{0,80}\b(?:GeneratorBasedBuilder|ArrowBasedBuilder|BeamBasedBuilder)\)"
)
_HEAD_BYTES = 256 * 1024
_MOST = 50  # scripts that are opened


@rule(Severity.ERROR)
def dataset_script(files: Files, kind: RepoKind, heads: Heads) -> Iterator[Fault]:
    """Report a builder in the root; beside data files, which load without it, it is a warning."""
    if kind is not RepoKind.DATASET:
        return
    scripts = [entry for entry in files if entry.path.endswith(".py") and "/" not in entry.path]
    for entry in scripts[:_MOST]:
        if _BUILDER.search(heads.of(entry.path, _HEAD_BYTES)):
            yield Fault(
                "a dataset script: datasets 4 and later do not run it",
                entry.path,
                hint="publish the rows: dataset.push_to_hub(...)",
                severity=Severity.WARNING if files.ending(*DATA_SUFFIXES) else None,
            )
