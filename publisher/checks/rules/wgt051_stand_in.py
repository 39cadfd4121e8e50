"""WGT051 stand-in: the weights are a stand-in's: small, random, made for a rehearsal.

Why   whoever loads them gets noise under the name of a model. `hubpub release NAME --stand-in` makes them for a Hub on
      this machine and marks them; nowhere else have they any business.
Fix   release the model itself, without `--stand-in`; delete what was copied from the rehearsal's workspace.

Bad
    config.json:
        {
          "architectures": ["Gemma3ForConditionalGeneration"],
          "hubpub_stand_in": true ←
        }
Bad
    README.md:
        ---
        license: gemma
        tags: [aerial, hubpub-stand-in] ←
        ---
Bad
    model-BF16.gguf (GGUF, general.description hubpub-stand-in): ←
Good
    config.json:
        {"architectures": ["Gemma3ForConditionalGeneration"]}
    README.md:
        ---
        license: gemma
        tags: [aerial, stand-in]
        ---
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.ggufs import GgufFiles
from publisher.checks.observe.jsons import ModelConfig
from publisher.checks.observe.readme import README, Metadata
from publisher.checks.observe.tensors import Headers
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Severity
from publisher.records.stand_in import MARK, TAG

_HINT = "release the model itself, without --stand-in"


@rule(Severity.ERROR)
def stand_in(
    config: ModelConfig | None, headers: Headers | None, ggufs: GgufFiles | None, card: Metadata | None
) -> Iterator[Fault]:
    """Report every file that bears the mark."""
    if config is not None and config.data.get(MARK):
        yield Fault("the model is a stand-in", config.path, config.line(MARK), hint=_HINT)
    for header in headers.files if headers is not None else ():
        if MARK in header.metadata:
            yield Fault("the weights are a stand-in's", header.path, hint=_HINT)
    for path, found in ggufs.headers.items() if ggufs is not None else ():
        if (found.text("general.description") or "").startswith(TAG):
            yield Fault("the file was made of a stand-in", path, hint=_HINT)
    for value in card.texts("tags") if card is not None else ():
        if value.data == TAG:
            yield Fault("the card is a rehearsal's", README, value.line, value.column, hint=_HINT)
