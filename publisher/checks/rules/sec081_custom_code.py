"""SEC081 custom-code: loading this model or its tokenizer runs Python files.

Why   `auto_map` makes `trust_remote_code=True` run code from the repo, or from another repo that may change any day.
Fix   use a class of transformers where there is one; else ship the files in this repo and say so in the card.

Bad
    config.json:
        {
          "auto_map": {"AutoModel": "somebody/other--modeling.Model"} ←
        }
Bad
    config.json:
        {
          "auto_map": {"AutoModel": "modeling_acme.Model"} ←
        }
Bad
    config.json:
        {
          "auto_map": {"AutoModel": "modeling_acme.Model"} ←
        }
    modeling_acme.py:
        class Model: ...
Bad
    tokenizer_config.json:
        {
          "auto_map": {"AutoTokenizer": ["tokenization_acme.Tokenizer", null]} ←
        }
Good
    config.json:
        {"architectures": ["LlamaForCausalLM"]}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.jsons import JsonFile, ModelConfig, TokenizerConfig
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.facts import Json
from publisher.records.findings import Severity


@rule(Severity.WARNING)
def custom_code(
    config: ModelConfig | None, tokenizer: TokenizerConfig | None, files: Files
) -> Iterator[Fault]:
    """Report a missing file as an error, foreign code as a warning, the repo's own code as a note."""
    for file in (config, tokenizer):
        if file is not None:
            yield from _faults(file, files)


def _faults(config: JsonFile, files: Files) -> Iterator[Fault]:
    classes = sorted(set(_texts(config.data.get("auto_map"))))
    foreign = [name for name in classes if "--" in name]
    missing = [name for name in classes if "--" not in name and f"{name.partition('.')[0]}.py" not in files]
    line = config.line("auto_map")
    if missing:
        yield Fault(
            f"auto_map names {quote(missing[0])}, and no such file is in the repo",
            config.path,
            line,
            hint=f"add {missing[0].partition('.')[0]}.py, or delete auto_map",
            severity=Severity.ERROR,
        )
    elif foreign:
        yield Fault(
            f"auto_map runs code of another repo: {quote(foreign[0])}",
            config.path,
            line,
            hint="ship the files in this repo",
        )
    elif classes:
        yield Fault(
            f"loading runs {quote(classes[0])} with trust_remote_code",
            config.path,
            line,
            hint="say so in the card",
            severity=Severity.NOTE,
        )


def _texts(value: Json) -> Iterator[str]:
    """`auto_map` maps to a class, or to a list of classes of which some may be null."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            if isinstance(item, str):
                yield item
            elif isinstance(item, list):
                yield from (text for text in item if isinstance(text, str))
