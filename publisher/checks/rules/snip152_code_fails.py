"""SNIP152 code-fails: a Python block of the card was run, and it fails.

Why   a card's code is the first thing that a reader tries; what fails there is never tried a second time.
Fix   mend the block until `hubpub check --run-code` is quiet. The blocks are run in their order, as one session, with
      this repo's id turned into its folder; what the machine lacks (a GPU, a package, another repo) is no fault.

Bad
    config.json:
        {"model_type": "llama"}
    README.md:
        ```python
        import json
        with open("acme/model" + "/config.json") as file:
            layers = json.load(file)["layers"] ←
        ```
Good
    config.json:
        {"model_type": "llama"}
    README.md:
        ```python
        import json
        with open("acme/model" + "/config.json") as file:
            kind = json.load(file)["model_type"]
        ```
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.ran_code import RanCode
from publisher.checks.observe.readme import README
from publisher.checks.rule import Fault, Skip, rule
from publisher.records.findings import Severity


@rule(Severity.ERROR)
def code_fails(ran: RanCode) -> Iterator[Fault | Skip]:
    """Limits are this machine's, so what is stopped by them is a note; what could not run was not looked at."""
    for block in ran.blocks:
        if block.verdict == "failed":
            yield Fault(f"this code fails: {block.told}", README, block.line, hint="mend the block")
        elif block.verdict == "stopped":
            yield Fault(
                f"this code was stopped: {block.told}",
                README,
                block.line,
                hint="run it on a larger machine, or show a smaller example",
                severity=Severity.NOTE,
            )
        elif block.verdict == "not run":
            yield Skip(f"line {block.line} could not run: {block.told}")
    if not ran.offline:
        yield Skip("the system gives no namespaces: the code ran with the network open to it")
