"""The ids that the Hub knows are data out of a package and a page; this is how they are made again."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from known_ids import FILE, PACKAGE, TASKS, licences_of, renewed, tasks_of, text_of

from publisher.checks.known import ids

PIPELINES = """
export const MODALITY_LABELS = {
	other: "Other",
} satisfies Record<Modality, string>;

export const PIPELINE_DATA = {
	"text-generation": {
		name: "Text Generation",
		subtasks: [
			{
				type: "dialogue-modeling",
			},
		],
	},
	robotics: {
		name: "Robotics",
	},
} satisfies Record<string, PipelineData>;
"""
PAGE = """# Licenses
| not in the region | `no` |
<!-- region licenses -->

| Fullname | License identifier |
| -------- | ------------------ |
| MIT      | `mit`              |
| Gemma    | `gemma`            | <!-- license: https://ai.google.dev/gemma/terms -->

<!-- endregion -->
"""
KNOWN = json.loads(FILE.read_text("utf-8"))


def packed(folder: Path, name: str = PACKAGE, pipelines: str = PIPELINES) -> Path:
    """A tarball as `npm pack` writes it."""
    tarball = folder / "tasks.tgz"
    files = {"package/package.json": json.dumps({"name": name, "version": "9.8.7"}), TASKS: pipelines}
    with tarfile.open(tarball, "w:gz") as package:
        for path, text in files.items():
            entry = tarfile.TarInfo(path)
            entry.size = len(text.encode())
            package.addfile(entry, io.BytesIO(text.encode()))
    return tarball


def test_tasks_come_out_of_the_package_with_its_version_and_without_subtasks(tmp_path):
    """A subtask under `pipeline_tag` is a mistake that META must be able to see."""
    source = {
        "package": PACKAGE,
        "version": "9.8.7",
        "file": TASKS,
        "sha256": hashlib.sha256(PIPELINES.encode()).hexdigest(),
    }

    assert (source, ["robotics", "text-generation"]) == tasks_of(packed(tmp_path))


def test_another_package_or_another_form_is_refused(tmp_path):
    """An empty list would make every task in the world unknown."""
    with pytest.raises(ValueError, match="not @huggingface/tasks"):
        tasks_of(packed(tmp_path, name="@huggingface/hub"))
    with pytest.raises(ValueError, match="has no PIPELINE_DATA any more"):
        tasks_of(packed(tmp_path, pipelines="export const TASKS = {}"))


def test_licences_come_out_of_the_page_s_region(tmp_path):
    """Some rows have a comment behind them; what stands outside the region is prose."""
    page = tmp_path / "page.md"
    page.write_text(PAGE)

    assert ["gemma", "mit"] == licences_of(page, "abc")[1]


def test_a_renewed_list_says_where_and_when_it_is_from_and_the_others_stay(tmp_path):
    """Half of a file from one day and half from another must not look like one."""
    made = renewed(KNOWN, {"pipeline_tags": tasks_of(packed(tmp_path))}, "2030-01-02")

    assert ("9.8.7", "2030-01-02") == (
        made["sources"]["pipeline_tags"]["version"],
        made["sources"]["pipeline_tags"]["date"],
    )
    assert KNOWN["sources"]["licences"] == made["sources"]["licences"]
    assert KNOWN["licences"] == made["licences"]


def test_the_file_is_as_the_program_writes_it_and_names_a_source_for_each_list():
    """Nobody mends a line of it by hand."""
    lists = {name: found for name, found in KNOWN.items() if isinstance(found, list)}

    assert FILE.read_text("utf-8") == text_of(KNOWN)
    assert lists.keys() == KNOWN["sources"].keys()
    assert all(found == sorted(set(found)) for found in lists.values())
    assert all("date" in source for source in KNOWN["sources"].values())
    assert KNOWN["sources"]["pipeline_tags"]["version"]
    assert ids.pipeline_tags() == frozenset(KNOWN["pipeline_tags"])


@pytest.mark.skipif(
    "HUBPUB_TASKS" not in os.environ, reason="HUBPUB_TASKS=tarball of npm pack @huggingface/tasks"
)
def test_the_package_that_is_named_gives_the_same_tasks():
    """The file made again from its source, where somebody has fetched it: npm is not part of a test run."""
    source, tasks = tasks_of(Path(os.environ["HUBPUB_TASKS"]))
    date = KNOWN["sources"]["pipeline_tags"]["date"]

    assert KNOWN == renewed(KNOWN, {"pipeline_tags": (source, tasks)}, date)
