"""trackio: `trackio get run --json`, `trackio get metric --json`, and a run's rows as JSON or CSV."""

from __future__ import annotations

from publisher.evidence.imported.arguments import settings_of
from publisher.evidence.imported.document import Document
from publisher.evidence.imported.fields import Values
from publisher.evidence.imported.history import plain, told


def trackio(document: Document) -> Values | None:
    """What the file tells; None where it is another. trackio's step counts how often was logged.

    Raises:
        HubpubError: HP-A08.
    """
    if run := document.mapping("run", "config", "metrics"):
        config = run["config"]
        return settings_of(document, config) if isinstance(config, dict) else {}
    if metric := document.mapping("run", "metric", "values"):
        values, name = metric["values"], metric["metric"]
        if not isinstance(values, list) or not all(isinstance(row, dict) for row in values):
            raise document.fault(f"values of {document.name} is no list of values", "values")
        rows = [{"step": row.get("step"), str(name): row.get("value")} for row in values]
        return told(document, rows, counter="step", optimizer_steps=False)
    columns = {plain(name) for row in document.rows for name in row}
    if {"step", "loss"} <= columns and (
        columns & {"timestamp", "global_step"} or document.file.suffix == ".csv"
    ):
        return told(document, document.rows, counter="step", optimizer_steps=False)
    return None
