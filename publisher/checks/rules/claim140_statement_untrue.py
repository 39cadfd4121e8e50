"""CLAIM140 statement-untrue: what the repo's evidence states is not what its own files say.

Why   `evidence/facts.json` is what a card's numbers rest on. Where it names another rank than the adapter has, other
      shapes than the weights, or a file that is no longer the one that was measured, nothing on the page can be trusted.
Fix   release again, so that the facts are measured from the files that are published; never edit evidence by hand.

Bad
    adapter_config.json:
        {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}
    evidence/facts.json:
        {
          "schema": "hubpub/facts/1",
          "facts": [
            {
              "id": "adapter.r", ←
              "value": 64,
              "status": "known",
              "source": {"stated": "by hand"}
            }
          ]
        }
Bad
    adapter_model.safetensors (safetensors):
        base_model.model.q_proj.lora_A.weight F32 8x64
    evidence/facts.json:
        {"schema": "hubpub/facts/1", "facts": []}
    evidence/tensors.json:
        {"schema": "hubpub/tensors/1", "tensors": {
        "base_model.model.q_proj.lora_A.weight": {"dtype": "F32", "shape": [4, 64]} ←
        }}
Good
    adapter_config.json:
        {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]}
    evidence/facts.json:
        {
          "schema": "hubpub/facts/1",
          "facts": [
            {"id": "adapter.r", "value": 8, "status": "known", "source": {"stated": "by hand"}},
            {"id": "train.final_loss", "value": 0.4, "status": "known", "source": {"stated": "by hand"}}
          ]
        }
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.statements import Statements
from publisher.checks.quoting import quote
from publisher.checks.rule import Fault, rule
from publisher.records.findings import Outcome, Severity


@rule(Severity.ERROR)
def statement_untrue(statements: Statements) -> Iterator[Fault]:
    """An error where the evidence is wrong; a warning where the card's words may mean something else."""
    for held in statements.all:
        said = held.statement
        if said.status is Outcome.FAILS:
            found = "" if said.found is None else f"; found {quote(said.found)}"
            yield Fault(
                f"{said.fact} does not hold: stated {quote(said.stated)}{found} ({said.reason})",
                held.path,
                held.line,
                hint="release again: evidence is measured, never edited"
                if held.proven
                else "correct the card",
                severity=None if held.proven else Severity.WARNING,
            )
