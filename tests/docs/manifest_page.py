"""docs/manifest.md: every key of release.yaml, from its JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reference_tables import cell

JsonSchema = Mapping[str, Any]

ABOVE = """\
# The manifest

Every key of `model_cards/NAME/release.yaml`, generated from its JSON Schema. `hubpub schema` prints that
schema, and the site of these pages serves it as `schema/release.json`: an editor with yaml-language-server completes keys and
shows these sentences after a first line `# yaml-language-server: $schema=` with a file's path or an address.

Unknown keys are refused. `—` stands for no default: the key may be left out. `base` or `source` is required, and `owner` where
`project.yaml` names none.

## release.yaml"""


def manifest_page(schema: JsonSchema) -> str:
    """The whole page."""
    lines = [*ABOVE.splitlines(), "", *_keys(schema)]
    for name in _sections(schema):
        section = schema["$defs"][name]
        lines += ["", f"## {name}", ""]
        if "description" in section:
            lines += [cell(section["description"]), ""]
        lines += _keys(section)
    return "\n".join(lines) + "\n"


def _keys(section: JsonSchema) -> list[str]:
    """A table of a mapping's keys."""
    required = section.get("required", ())
    rows = ["| key | holds | default | |", "|---|---|---|---|"]
    for key, value in section.get("properties", {}).items():
        default = "required" if key in required else _default(value)
        rows.append(f"| `{key}` | {_holds(value)} | {default} | {cell(value.get('description', ''))} |")
    return rows


def _default(value: JsonSchema) -> str:
    given = value.get("default")
    if given is None or given == [] or given == {}:
        return "—"
    if isinstance(given, bool):
        return f"`{str(given).lower()}`"
    return f"`{given}`" if isinstance(given, str | int | float) else "—"


def _holds(value: JsonSchema) -> str:
    """What a value may be, in words."""
    if "$ref" in value:
        name = value["$ref"].rsplit("/", 1)[1]
        return f"[{name}](#{name.lower()})"
    if "const" in value:
        return f"`{value['const']}`"
    if "enum" in value:
        return ", ".join(f"`{each}`" for each in value["enum"])
    for several in ("anyOf", "oneOf"):
        if several in value:
            return " or ".join(_holds(each) for each in value[several] if each.get("type") != "null")
    if value.get("type") == "array":
        return f"list of {_holds(value['items'])}" if value.get("items") else "list"
    if value.get("type") == "object" and isinstance(value.get("additionalProperties"), Mapping):
        return f"mapping to {_holds(value['additionalProperties'])}"
    return {"string": "text", "object": "mapping", "boolean": "yes or no: `true`, `false`"}.get(
        str(value.get("type")), str(value.get("type", "anything"))
    )


def _sections(schema: JsonSchema) -> list[str]:
    """The names of all mappings that a manifest holds, in the order in which its keys meet them."""
    met: list[str] = []

    def meet(node: Any) -> None:
        if isinstance(node, Mapping):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            if name and name not in met:
                met.append(name)
                meet(schema["$defs"][name])
            for each in node.values():
                meet(each)
        elif isinstance(node, list):
            for each in node:
                meet(each)

    meet(schema.get("properties", {}))
    return met
