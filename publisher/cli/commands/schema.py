"""hubpub schema: the manifest's JSON Schema, for editors."""

from __future__ import annotations

import json
import sys


def schema() -> None:
    """Print the JSON Schema of release.yaml."""
    sys.stdout.write(schema_text())


def schema_text() -> str:
    """The schema as it is printed, and as the docs publish it."""
    from publisher.manifest.json_schema import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
