"""CFG055 architecture: the class that config.json names cannot be had.

Why   `from_pretrained` builds the class of `architectures`; code that `auto_map` points to has to lie in the repo.
Fix   correct the name, or upload the Python files that `auto_map` names.

Bad
    config.json:
        {
          "architectures": ["LLamaForCausalLM"] ←
        }
Bad
    config.json:
        {
          "architectures": ["MyForCausalLM"],
          "auto_map": {"AutoModelForCausalLM": "modeling_my.MyForCausalLM"} ←
        }
Good
    config.json:
        {
          "architectures": ["MyForCausalLM"],
          "auto_map": {"AutoConfig": "acme/base--configuration_my.MyConfig", "AutoModel": "modeling_my.MyModel"}
        }
    modeling_my.py:
        import torch
Good
    config.json:
        {"architectures": ["LlamaForCausalLM"]}
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.known import architectures
from publisher.checks.observe.files import Files, RepoKind
from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.readme import Metadata
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_REFERENCE = re.compile(
    r"([A-Za-z_][\w.]*)\.[A-Za-z_]\w*"
)  # module.Class; another repo's begins with `owner/name--`
_RELEASE = re.compile(r"\d{1,6}(?:\.\d{1,6})+")


@rule(Severity.WARNING)
def architecture(config: ModelConfig, files: Files, kind: RepoKind, card: Metadata | None) -> Iterator[Fault]:
    """Report files that `auto_map` names and the repo lacks, and names that transformers does not know."""
    if kind is not RepoKind.MODEL:
        return
    names = config.data.get("architectures")
    unknown = [
        name
        for name in (names if isinstance(names, list) else [])
        if isinstance(name, str) and name not in architectures.names()
    ]
    mapped = config.data.get("auto_map")
    if isinstance(mapped, dict):
        for reference in mapped.values():
            match = _REFERENCE.fullmatch(reference) if isinstance(reference, str) else None
            path = f"{match[1].replace('.', '/')}.py" if match is not None else ""
            if path and path not in files:
                yield Fault(
                    f"auto_map names {quote(path)}, which is not here",
                    config.path,
                    config.line("auto_map"),
                    hint="upload the file",
                    # a class that transformers has too is built without the code
                    severity=Severity.ERROR if unknown or not names else None,
                )
                return
    library = [value.data for value in card.texts("library_name")] if card is not None else []
    if mapped or library not in ([], ["transformers"]):
        return
    if unknown:
        yield Fault(
            f"transformers {architectures.version()} has no class {quote(unknown[0])}",
            config.path,
            config.line("architectures"),
            hint="correct the name, or ship its code with auto_map",
            severity=Severity.NOTE if _is_newer(config) else None,
        )


def _is_newer(config: ModelConfig) -> bool:
    """Whether the configuration is of a later transformers than the list of names."""
    match = _RELEASE.match(str(config.data.get("transformers_version")))
    known = [int(part) for part in architectures.version().split(".")]
    return match is not None and [int(part) for part in match[0].split(".")] > known
