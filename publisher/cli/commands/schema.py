"""hubpub schema: the manifest's JSON Schema, for editors."""

from __future__ import annotations

import json
import sys


def schema() -> None:
    """Print the JSON Schema of release.yaml."""
    from publisher.manifest.schema import Manifest

    plain = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Manifest.model_json_schema(by_alias=True),
    }
    sys.stdout.write(json.dumps(plain, indent=2, ensure_ascii=False) + "\n")
