r"""SNIP153 command-differs: a command line does not fit the script that it runs, or names the result as its input.

Why   argparse refuses an option that the script does not have; and a model cannot be trained from itself: with
      `--model_name` set to the output's name, the base that was used is told nowhere.
Fix   copy the command from where it ran; give the base's id.

Bad
    README.md:
        ```bash
        python train.py \
            --model_name my-model \ ←
            --output_dir ./my-model
        ```
Bad
    README.md:
        ```bash
        python train.py --data_dir ./rows --rank 8 ←
        ```
    train.py:
        import argparse
        parser = argparse.ArgumentParser()
        parser.add_argument("--data", required=True)
        parser.add_argument("--rank", type=int)
        args = parser.parse_args()
Good
    README.md:
        ```bash
        python train.py --model_name google/gemma-3-12b-it --output_dir ./my-model
        ```
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.commands import Command
from publisher.checks.observe.readme import README
from publisher.checks.observe.scripts import Scripts
from publisher.checks.observe.snippets import Snippets
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_INPUTS = (
    "model_name",
    "model_name_or_path",
    "model_id",
    "base_model",
    "model",
    "pretrained_model_name_or_path",
)
_OUTPUTS = ("output_dir", "output", "save_dir", "out_dir", "output_path", "save_path")


@rule(Severity.WARNING)
def command_differs(snippets: Snippets, scripts: Scripts) -> Iterator[Fault]:
    """Scripts of this repo are read, never run; of others nothing is known but what the command itself says."""
    for command in snippets.commands:
        script = command.script
        if script is None:
            continue
        options = scripts.options(script)
        if options is not None:
            for name, _, line in command.options():
                if (
                    name.startswith("--")
                    and name != "--help"
                    and not any(each.startswith(name) for each in options)
                ):
                    yield Fault(
                        f"{quote(script)} has no option {quote(name)}: argparse refuses it",
                        README,
                        line,
                        hint=f"its options: {', '.join(sorted(options)[:12])}",
                    )
        yield from _own_name(command)


def _own_name(command: Command) -> Iterator[Fault]:
    named = [(name.lstrip("-").replace("-", "_"), value, line) for name, value, line in command.options()]
    results = {_last(value) for name, value, _ in named if name in _OUTPUTS and value}
    for name, value, line in named:
        if name in _INPUTS and value and "/" not in value.strip("./") and _last(value) in results:
            yield Fault(
                f"the model to start from is {quote(value)}, which is also what the command writes: a model "
                "cannot be trained from its own result",
                README,
                line,
                hint="give the id of the base model",
            )


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]
