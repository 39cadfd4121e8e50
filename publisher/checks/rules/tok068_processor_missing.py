"""TOK068 processor-missing: the model reads images, and nothing says how to prepare one.

Why   `AutoProcessor.from_pretrained` fails, and with it every example for such a model.
Fix   `processor.save_pretrained(folder)` beside the weights; the base's repo has the files.

Bad
    config.json: ←
        {"architectures": ["Gemma3ForConditionalGeneration"], "vision_config": {}}
    model.safetensors (safetensors):
        weight F32 8x8
Good
    config.json:
        {"architectures": ["Gemma3ForConditionalGeneration"], "vision_config": {}}
    model.safetensors (safetensors):
        weight F32 8x8
    preprocessor_config.json:
        {}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files, RepoKind
from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

_FILES = ("processor_config.json", "preprocessor_config.json", "image_processor_config.json")


@rule(Severity.ERROR)
def processor_missing(config: ModelConfig, files: Files, kind: RepoKind) -> Iterator[Fault]:
    """Report full models only: an adapter's users load the base's processor."""
    names = config.data.get("architectures")
    generates = isinstance(names, list) and any(
        str(name).endswith("ForConditionalGeneration") for name in names
    )
    weights = bool(files.ending(".safetensors", ".bin"))
    if kind is not RepoKind.MODEL or not (
        generates and weights and isinstance(config.data.get("vision_config"), dict)
    ):
        return
    if not any(name in files for name in _FILES):
        yield Fault(
            "the model reads images, and no processor_config.json or preprocessor_config.json lies in the repo",
            config.path,
            hint="processor.save_pretrained(folder)",
        )
