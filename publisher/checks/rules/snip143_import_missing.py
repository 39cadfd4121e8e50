"""SNIP143 import-missing: a snippet imports a name that a well-known library never had.

Why   `from transformers import AutoModelForCasualLM` ends in an ImportError on the reader's first line. Such names are
      misspelt, or made up.
Fix   write the name as the library has it.

Bad
    README.md:
        ```python
        from transformers import AutoModelForCasualLM, AutoTokenizer ←
        ```
Bad
    README.md:
        ```python
        from peft import (
            PeftModel,
            load_merged_adapter, ←
        )
        ```
Good
    README.md:
        ```python
        from transformers import AutoModelForCausalLM, AutoModelWithLMHead, pipelines
        from huggingface_hub import hf_hub_download
        from datasets import load_dataset, load_metric
        try:
            from transformers import something_of_tomorrow
        except ImportError:
            something_of_tomorrow = None
        ```
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from difflib import get_close_matches

from publisher.checks.known.exports import Library, libraries
from publisher.checks.observe.readme import README
from publisher.checks.observe.snippets import PythonBlock, Snippets
from publisher.checks.observe.truths import Truths
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_MOST = 6
# Classes that come with every new model: one that is not known may be newer than the list.
_OF_A_MODEL = re.compile(
    r"[A-Z]\w*(?:Model|Config|Tokenizer|TokenizerFast|Processor|ProcessorFast|FeatureExtractor|Extractor|Pipeline|For[A-Z]\w+|"
    r"LMHeadModel|Transformer\w*|Scheduler|VAE|Trainer|Cache)$"
)


@rule(Severity.WARNING)
def import_missing(snippets: Snippets, truths: Truths) -> Iterator[Fault]:
    """Names of any version count as known. A model's class that is merely new is a note, a card for newer code nothing."""
    if not snippets.imported:
        return
    known = libraries()
    newer = {name for name, library in known.items() if _is_newer(name, library, snippets.card)}
    told = 0
    silent = set(_own_classes(truths))
    for block in snippets.parsed:
        tried = _tried(block)
        for node in block.nodes:
            if not isinstance(node, ast.ImportFrom) or node.level or node in tried:
                continue
            library = known.get(node.module or "")
            if library is None or node.module in newer:
                continue
            for alias in node.names:
                name = alias.name
                if name in library.names or name in silent or name[0] in "_*":
                    continue
                silent.add(name)
                told += 1
                close = _close(name, library)
                new = not close and _OF_A_MODEL.match(name) is not None
                yield Fault(
                    f"{quote(node.module)} has no {quote(name)}"
                    + (f" up to {'.'.join(map(str, library.version))}" if new else ""),
                    README,
                    block.line(alias),
                    block.column(alias),
                    hint=f"did you mean {close}?"
                    if close
                    else "say which version has it, or import what there is",
                    severity=Severity.NOTE if new else None,
                )
                if told == _MOST:
                    return


def _own_classes(truths: Truths) -> frozenset[str]:
    named = truths.config.data.get("architectures") if truths.config is not None else None
    return (
        frozenset(each for each in named if isinstance(each, str)) if isinstance(named, list) else frozenset()
    )


def _tried(block: PythonBlock) -> set[ast.AST]:
    """What stands inside a `try`: its author expects that it may fail."""
    return {inner for node in block.nodes if isinstance(node, ast.Try) for inner in ast.walk(node)}


def _is_newer(name: str, library: Library, text: str) -> bool:
    """Whether the card asks for a library from its repository, or for a version behind the one that is known."""
    package = re.escape(name).replace("_", "[-_]")
    if re.search(rf"(?:git\+|github\.com/)\S{{0,80}}{package}\b|{package}\S{{0,20}} @ |--pre\b", text):
        return True
    asked = re.findall(rf"{package}(?:\[[\w,-]{{1,40}}\])? ?[>=~]=? ?v?(\d+(?:\.\d+){{0,2}})", text)
    return any(tuple(map(int, each.split("."))) > library.version for each in asked)


def _close(name: str, library: Library) -> str:
    """A known name that this one is most likely a misspelling of: not one that differs in its numbers."""
    digits = re.sub(r"\D", "", name)
    near = get_close_matches(name, library.names, n=3, cutoff=0.88)
    return next((each for each in near if re.sub(r"\D", "", each) == digits), "")
