"""TOK066 sampling-unused: generation_config.json sets sampling, and does not turn it on.

Why   without `do_sample` temperature, top_p and their like are ignored, and transformers refuses to save such a file.
Fix   `"do_sample": true`, or delete the flags.

Bad
    generation_config.json:
        {
          "temperature": 0.6, ←
          "top_p": 0.9
        }
Bad
    generation_config.json:
        {
          "do_sample": true,
          "temperature": 0.0 ←
        }
Good
    generation_config.json:
        {"do_sample": true, "temperature": 0.6}
Good
    generation_config.json:
        {"do_sample": false, "temperature": 1.0, "top_k": 50}
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.mending import write_value
from publisher.checks.observe.jsons import GenerationConfig
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity

# Values that mean nothing is asked for (transformers GenerationConfig: its defaults, and None).
_NEUTRAL: dict[str, tuple[object, ...]] = {
    "temperature": (None, 1.0),
    "top_p": (None, 1.0),
    "top_k": (None, 50, 0),
    "min_p": (None, 0.0),
    "typical_p": (None, 1.0),
}


@rule(Severity.WARNING, fixable=True)
def sampling_unused(generation: GenerationConfig) -> Iterator[Fault]:
    """Report all such flags in one finding, at the first; and a temperature of zero with sampling."""
    data = generation.data
    if data.get("do_sample") is True:
        if data.get("temperature") == 0:
            yield Fault(
                "do_sample with a temperature of 0 is refused by generate()",
                generation.path,
                generation.line("temperature"),
                hint='"do_sample": false without temperature is the same thing, allowed',
            )
        return
    unused = [flag for flag, neutral in _NEUTRAL.items() if data.get(flag) not in neutral]
    if unused:
        yield Fault(
            f"{', '.join(unused)} without do_sample: ignored",
            generation.path,
            generation.line(unused[0]),
            hint='"do_sample": true, or delete them',
            edit=None if "do_sample" in data else write_value(generation, "do_sample", True),
        )
