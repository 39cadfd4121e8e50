"""What users do first: `load_dataset`, and the columns have their types without a word from the card."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.models

PROGRAM = """
import json, sys
from datasets import load_dataset

data = load_dataset(sys.argv[1])
row = data["train"][0]
print(json.dumps({
    "rows": {name: split.num_rows for name, split in data.items()},
    "image": [type(data["train"].features["image"]).__name__, row["image"].format, *row["image"].size],
    "bbox": sorted(row["bbox"]),
    "features": [str(data["train"].features[name]) for name in ("object_id", "expressions_features")],
    "first": row["expressions_features"][0],
}))
"""


def test_load_dataset_reads_it_with_decoded_images_and_typed_columns(built, tmp_path):
    """In a fresh process, offline and with an empty cache, as on another machine."""
    import json

    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(built.folder)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert 0 == done.returncode, done.stderr
    expected = {
        "rows": {
            "train": built.measured["dataset.train.rows"].value,
            "validation": built.measured["dataset.validation.rows"].value,
        },
        "image": ["Image", "PNG", 480, 480],
        "bbox": ["xmax", "xmin", "ymax", "ymin"],
        "features": ["Value('int64')", "List(Value('string'))"],
        "first": "category",
    }
    assert expected == json.loads(done.stdout)
