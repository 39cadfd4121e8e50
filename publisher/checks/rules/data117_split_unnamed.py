"""DATA117 split-unnamed: files seem to be called after splits, and `datasets` does not see it.

Why   a split's name counts only with `-`, `_`, `.`, a blank or a digit beside it: `testdata.csv` and `traindata.csv`
      both become part of the train split, and the model is trained on its test.
Fix   rename them (`test-data.csv`), or name them in `configs`.

Bad
    README.md:
        ---
        license: mit
        ---
    testdata.csv: ←
        a,b
        1,2
    traindata.csv:
        a,b
        3,4
Good
    README.md:
        ---
        license: mit
        ---
    test-data.csv:
        a,b
        1,2
    train-data.csv:
        a,b
        3,4
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.datafiles import DataFiles
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_MEANT = re.compile(
    r"(?:(?P<train>train(?:ing)?)|(?P<validation>validation|valid|val|dev)|(?P<test>test(?:ing)?|eval))(?:data(?:set)?|set|split)",
    re.IGNORECASE,
)


@rule(Severity.WARNING)
def split_unnamed(data: DataFiles) -> Iterator[Fault]:
    """Report where all files are of one undeclared split, and their names speak of training and of another."""
    if len(data.splits) != 1 or data.splits[0].declared:
        return
    meant = {path: match for path in data.splits[0].paths if (match := _MEANT.match(path.rpartition("/")[2]))}
    if len({match.lastgroup for match in meant.values()}) < 2:
        return
    for path, match in meant.items():
        if match["train"] is None:
            better = re.sub(_MEANT, lambda m: f"{m[m.lastgroup or 0]}-data", path.rpartition("/")[2])
            yield Fault(
                "`load_dataset` takes this for a part of the train split", path, hint=f"call it {better}"
            )
