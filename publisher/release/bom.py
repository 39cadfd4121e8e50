"""A repo's bill of materials: CycloneDX, as the statement about its files has it, written by the format's own library."""

from __future__ import annotations

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from publisher.records.artifacts import Kind
from publisher.records.digest import digest
from publisher.records.facts import Json

BOM_FILE = "evidence/bom.cdx.json"


def bom_of(statement: Json, kind: Kind, repo_id: str, version: str) -> str:
    """The model, or the data, with each of its files, what it was made of, and the digests of all; as JSON text.

    Its serial number is told from what it holds, and it has no time of its own: the same release, the same bytes.
    """
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6

    of_data = kind == "dataset"
    released = Component(
        name=repo_id,
        version=version,
        type=ComponentType.DATA if of_data else ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=repo_id,
        components=[_file(f"{repo_id}/{each['name']}", each) for each in statement["subject"]],
    )
    sources = [_source(each) for each in statement["predicate"]["buildDefinition"]["resolvedDependencies"]]
    bom = Bom(components=sources, serial_number=uuid5(NAMESPACE_URL, digest([statement, version])))
    bom.metadata.component = released
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the library would look at the clock
    bom.register_dependency(released, sources)
    return JsonV1Dot6(bom).output_as_string(indent=1) + "\n"


def _file(ref: str, each: Json) -> Any:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType

    sha256 = HashType(alg=HashAlgorithm.SHA_256, content=each["digest"]["sha256"])
    return Component(name=each["name"], type=ComponentType.FILE, bom_ref=ref, hashes=[sha256])


def _source(each: Json) -> Any:
    """One dependency: a file by its digest; the base and the project by their commits."""
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    digests = each.get("digest", {})
    if "sha256" in digests:
        return _file(each["name"], each)
    kind = ComponentType.MACHINE_LEARNING_MODEL if "uri" in each else ComponentType.APPLICATION
    return Component(
        name=each["name"],
        version=digests.get("gitCommit"),
        type=kind,
        bom_ref=each["name"],
        purl=PackageURL.from_string(each["uri"]) if "uri" in each else None,
    )
