"""transformers' `trainer_state.json`: what the Trainer knows of its run when it saves."""

from __future__ import annotations

from publisher.evidence.imported.document import Document
from publisher.evidence.imported.fields import Kind, Values, if_finite, number, taken, whole
from publisher.evidence.imported.history import told

# No path (`best_model_checkpoint`), no name of a trial, no state of a callback.
STATE: dict[str, tuple[str, Kind]] = {
    "global_step": ("steps", whole),
    "max_steps": ("steps_planned", whole),
    "epoch": ("epochs", number),
    "best_metric": ("best_metric", if_finite),
    "best_global_step": ("best_step", whole),
    "num_input_tokens_seen": ("tokens_seen", whole),
    "train_batch_size": ("process_batch_size", whole),
    "total_flos": ("total_flos", number),
}
ZERO_IS_UNKNOWN = ("steps_planned", "tokens_seen", "total_flos", "process_batch_size")


def trainer_state(document: Document) -> Values | None:
    """What the file tells; None where it is another.

    Raises:
        HubpubError: HP-A08.
    """
    state = document.mapping("log_history", "global_step")
    if not state:
        return None
    history = state["log_history"]
    if not isinstance(history, list) or not all(isinstance(row, dict) for row in history):
        raise document.fault(f"log_history of {document.name} is no list of entries", "log_history")
    values = taken(document, state, STATE)
    values = {key: value for key, value in values.items() if value or key not in ZERO_IS_UNKNOWN}
    logged = told(document, history, counter="step", optimizer_steps=True)
    last = max((row["step"] for row in logged.get("log", ())), default=0)
    if last > values.get("steps", 0):
        what = f"{document.name} logged step {last}, and says that it made {values.get('steps', 0)}"
        raise document.fault(what, "step", last)
    return logged | values
