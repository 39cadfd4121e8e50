"""The names that libraries export: the file that the linter reads is what these libraries really have."""

from __future__ import annotations

import pytest
from known_exports import LIBRARIES, installed, load

from publisher.checks.known.exports import libraries


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_file_holds_what_the_installed_library_exports(library: str) -> None:
    """A name that is wrongly called unknown is an error on a sound card. `python tests/checks/known_exports.py` mends."""
    found = installed(library)
    if found is None:
        pytest.skip(f"{library} is not installed here")
    version, names = found
    entry = load()[library]
    if version != entry["version"]:
        assert names <= entry["names"] | entry["older"]
        return

    assert names == entry["names"]


def test_names_of_older_versions_are_known_too() -> None:
    """A card of 2021 is no fault of its author."""
    known = libraries()["transformers"]

    assert {"AutoModelWithLMHead", "TFBertModel", "AutoModelForVision2Seq"} <= known.names
    assert "load_metric" in libraries()["datasets"].names
    assert "AutoModelForCasualLM" not in known.names
