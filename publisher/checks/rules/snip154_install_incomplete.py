"""SNIP154 install-incomplete: the card says what to install, and its snippets need more.

Why   the reader who does what the card says gets `No module named 'peft'`, or a message that wants accelerate after the
      weights were downloaded.
Fix   put the missing packages into the `pip install` line.

Bad
    README.md:
        ```bash
        pip install transformers ←
        ```
        ```python
        import torch
        from transformers import AutoModelForCausalLM
        from peft import PeftModel
        from PIL import Image
        base = AutoModelForCausalLM.from_pretrained("acme/base", device_map="auto")
        ```
Good
    README.md:
        ```bash
        pip install -U "transformers[torch]>=4.50" peft pillow
        ```
        ```python
        import numpy as np
        import torch
        from huggingface_hub import hf_hub_download
        from peft import PeftModel
        from PIL import Image
        from transformers import AutoModelForCausalLM
        base = AutoModelForCausalLM.from_pretrained("acme/base", device_map="auto")
        ```
Good
    README.md:
        ```bash
        pip install -r requirements.txt
        ```
        ```python
        from peft import PeftModel
        ```
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator

from publisher.checks.known.installs import brought_by, distribution
from publisher.checks.observe.commands import Command
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import Snippets, calls, constant, dotted, keyword
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

# Of a package with an extra (`trl[vllm]`) nobody knows here what it brings; `[torch]` is the one that all use.
_PACKAGE = re.compile(r"([A-Za-z0-9][\w.-]*(?:\[torch\])?)(?:[<>=!~;@ ].*)?")
_TOLD = re.compile(r"install([^\n]{0,300})", re.IGNORECASE)  # in the text as well
_MORE = re.compile(r" -r | -e |requirements|git\+|\.whl")
_ELSEWHERE = re.compile(r"environment\.ya?ml|git clone")
_WITH_VALUE = frozenset(
    {"-i", "--index-url", "--extra-index-url", "-f", "--find-links", "--python", "-c", "-t"}
)


@rule(Severity.NOTE)
def install_incomplete(snippets: Snippets) -> Iterator[Fault]:
    """Only where everything that is installed is known with what it brings; torch is what readers have already."""
    told = " ".join(match[1] for match in _TOLD.finditer(snippets.card))
    if _MORE.search(told) or _ELSEWHERE.search(snippets.card):
        return
    lines: list[int] = []
    installed: set[str] = set()
    for command in snippets.commands:
        packages = _installs(command)
        if packages is None:
            continue
        brought = [brought_by(package) for package in packages]
        if any(each is None for each in brought):
            return
        lines.append(command.lines[0])
        installed |= {name for each in brought if each is not None for name in each}
    if not lines:
        return
    missing = sorted(
        name
        for name in _needed(snippets) - installed
        if not re.search(rf"\b{re.escape(name)}\b", told, re.IGNORECASE)
    )
    if missing:
        yield Fault(
            f"the snippets need {', '.join(map(quote, missing))} too, which this does not install",
            README,
            lines[0],
            hint=f"add {' '.join(missing)}",
        )


def _needed(snippets: Snippets) -> set[str]:
    """Packages that are imported, or that an argument asks for; only those whose name for pip is known."""
    found: set[str] = set()
    for block in snippets.parsed:
        tried = {inner for node in block.nodes if isinstance(node, ast.Try) for inner in ast.walk(node)}
        for node in block.nodes:
            names: list[str] = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names if node not in tried else ():
                top = name.partition(".")[0]
                package = None if top in sys.stdlib_module_names else distribution(top)
                if package is not None:
                    found.add(package)
        for call in calls(block):
            placed = keyword(call, "device_map")
            if (
                placed is not None
                and constant(placed.value) is not None
                and "from_pretrained" in dotted(call.func)
            ):
                found.add("accelerate")
    return found


def _installs(command: Command) -> list[str] | None:
    """The packages of a `pip install`, in lower case; None for another command, what cannot be told as an empty name."""
    words = list(command.words)
    for skipped in ("!", "%", "uv", "sudo", "python", "python3", "-m"):
        if words and words[0] == skipped:
            words.pop(0)
    if words[:1] and words[0].lstrip("!%") in ("pip", "pip3") and "install" in words[1:2]:
        found: list[str] = []
        behind = ""
        for word in words[2:]:
            if word in ("&&", ";", "|"):
                break
            named = _PACKAGE.fullmatch(word)
            if behind in _WITH_VALUE or (word.startswith("-") and word not in ("-r", "-e", "--requirement")):
                pass
            else:
                found.append(named[1].lower().replace("_", "-") if named is not None else "")
            behind = word
        return found
    return [""] if words[:1] and words[0] in ("conda", "mamba", "poetry", "git") else None
