r"""SEC083 local-path: a text file tells somebody's user name and the layout of his disk.

Why   `/home/alice/...` works on one machine, and tells strangers who works on it. Trainers write such paths into
      configurations, logs and cards.
Fix   write a path relative to the repo, or the id of the repo that is meant. `--fix` empties `_name_or_path` in a
      configuration: it says where the model was loaded from, and nothing reads it.

Bad
    README.md:
        Run it with
        `cd /cfs/home/u035679/aerialseg/llm` ←
Bad
    trainer_state.json:
        {
          "best_model_checkpoint": "C:\\Users\\alice\\out" ←
        }
Bad
    config.json:
        {
          "_name_or_path": "/gpfs/projects/acme/gemma" ←
        }
Good
    README.md:
        Run `cd /content/aerialseg`, or see https://example.org/home/alice/page.
        Inside the container all is in /home/user/app.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.observe.texts import Text, Texts
from publisher.checks.quoting import quote
from publisher.checks.rule import Edit, Fault, Skip, rule
from publisher.records.findings import Severity

_HOME = re.compile(
    r"/(?:home|Users)/([A-Za-z0-9][\w.-]{0,40})(?=[/\s\"'`)\]},;:]|$)|[A-Za-z]:\\{1,2}Users\\{1,2}([\w.-]{1,40})"
    # Disks of clusters, by the names of their file systems.
    r"|/(?:gpfs|lustre|fsx|beegfs|cfs|nfs|scratch)(?:/[\w.@+-]{1,100}){2,12}"
)
_LOADED_FROM = re.compile(r'"_?name_or_path"\s{0,3}:\s{0,3}"(?P<path>(?:[^"\\]|\\.){1,500})"')
# Accounts that stand for nobody: containers, notebooks and documentation.
_NOBODY = frozenset(
    [
        "user",
        "username",
        "name",
        "your-name",
        "yourname",
        "you",
        "me",
        "ubuntu",
        "root",
        "jovyan",
        "ec2-user",
        "runner",
        "runneradmin",
        "vscode",
        "app",
        "appuser",
        "coder",
        "node",
        "docker",
        "public",
        "shared",
        "default",
        "admin",
        "work",
    ]
)
_MOST = 20  # findings a file: a log repeats one path on every line
_BEFORE = 60  # characters in front of /home that may belong to the path, as in /cfs/home


@rule(Severity.WARNING, fixable=True)
def local_path(texts: Texts) -> Iterator[Fault | Skip]:
    """Report home folders, each line once. A dataset's rows are other people's words and are left alone."""
    for text in texts:
        if not (text.is_data or text.is_vocabulary or text.binary):
            yield from _faults(text)
    if texts.left_out:
        yield Skip(f"{texts.left_out:,} more texts were not fetched")


def _faults(text: Text) -> Iterator[Fault]:
    lines: set[int] = set()
    for match in _HOME.finditer(text.content):
        start = _start(text.content, match.start())
        if start is None or (match[1] or match[2] or "").lower() in _NOBODY:
            continue
        line, column = text.place(start)
        if line not in lines:
            lines.add(line)
            yield Fault(
                f"a path on somebody's disk: {quote(text.content[start : match.end()])}",
                text.path,
                line,
                column,
                hint="write a relative path or a repo id",
                edit=_emptied(text, line, start),
            )
        if len(lines) == _MOST:
            return


def _emptied(text: Text, line: int, position: int) -> Edit | None:
    """The edit that empties the name that a configuration was loaded from; None where the path is anything else."""
    if not text.path.endswith(".json"):
        return None
    first = text.content.rfind("\n", 0, position) + 1
    end = text.content.find("\n", position)
    for found in _LOADED_FROM.finditer(text.content, first, len(text.content) if end < 0 else end):
        if found.start("path") <= position < found.end("path"):
            return Edit(text.path, line, "", found.start("path") - first + 1, before=found["path"])
    return None


def _start(content: str, position: int) -> int | None:
    """Where the path begins; None where it is part of a web address or of another word."""
    first = max(0, position - _BEFORE)
    before = re.split(r"[\s\"'`(\[{<>=,;]", content[first:position])[-1]
    if before and ("://" in before or not before.startswith("/")) and not before.startswith("file:"):
        return None
    return position - len(before)
