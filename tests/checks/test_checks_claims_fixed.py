"""`--fix` on what a card says: the true number in the card's own style, and not a byte else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checks_samples import safetensors

from publisher.checks.fix import mended
from publisher.checks.observe.itself import Itself
from publisher.checks.observe.target import RepoView
from publisher.checks.registry import choose
from publisher.checks.run import check_card, check_folder, check_view
from publisher.checks.source import FolderSource

ADAPTER = {"peft_type": "LORA", "r": 8, "lora_alpha": 16, "lora_dropout": 0.05, "target_modules": ["q_proj"]}
LORA = safetensors(
    """
base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight F32 8x640
base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight F32 640x8
"""
)
CONFIG = {"num_hidden_layers": 26, "hidden_size": 1152, "num_attention_heads": 4}
WEIGHTS = safetensors("model.a BF16 1000x2500")
STATE = {"global_step": 1250, "num_train_epochs": 3}


def write(folder: Path, card: bytes) -> Path:
    """A repo with everything that tells: an adapter where the card speaks of LoRA, else a model."""
    (folder / "README.md").write_bytes(card)
    (folder / "trainer_state.json").write_text(json.dumps(STATE))
    if b"LoRA" in card:
        (folder / "adapter_config.json").write_text(json.dumps(ADAPTER))
        (folder / "adapter_model.safetensors").write_bytes(LORA)
    else:
        (folder / "config.json").write_text(json.dumps(CONFIG))
        (folder / "model.safetensors").write_bytes(WEIGHTS)
    return folder


def fixed(folder: Path) -> bytes | None:
    """The card as `--fix` would leave it; None where it would not touch it."""
    changes = mended(RepoView(FolderSource(folder)), choose(["CLAIM"]))
    return changes["README.md"][1] if changes else None


@pytest.mark.parametrize(
    ("said", "mended_"),
    [
        ("- **Layers**: 48 (all trained)", "- **Layers**: 26 (all trained)"),
        ("| Hidden size | 3,840 |", "| Hidden size | 1,152 |"),
        ("- Attention heads: 16", "- Attention heads: 4"),
        ("├── 42 Transformer Blocks", "├── 26 Transformer Blocks"),
        ("- **Parameters**: ~12B", "- **Parameters**: ~2.5M"),
        ("- Parameters: 7.31 million", "- Parameters: 2.50 million"),
        ("- Parameters: 9,000,000", "- Parameters: 2,500,000"),
        ("- Tensor type: `float32`", "- Tensor type: `bfloat16`"),
        ("- Tensor type: FP16, on the GPU", "- Tensor type: BF16, on the GPU"),
        ("- Training steps: 5,000", "- Training steps: 1,250"),
        ("- Epochs: 5", "- Epochs: 3"),
        ("- LoRA rank (r): 64", "- LoRA rank (r): 8"),
        ("- LoRA alpha: 32", "- LoRA alpha: 16"),
        ("- LoRA dropout: 0.1", "- LoRA dropout: 0.05"),
        ("- LoRA, with 167M trainable parameters", "- LoRA, with 10K trainable parameters"),
        ("LoRA:\r\n```python\r\nc = LoraConfig(r=64, lora_alpha=16)\r\n```", "LoRA:\r\n```python\r\nc = LoraConfig(r=8, lora_alpha=16)\r\n```"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "head", ["", "---\r\nlicense: mit\r\n---\r\n"], ids=["no front matter", "front matter"]
)
def test_the_number_alone_is_replaced_and_nothing_is_left_to_fix(
    tmp_path: Path, head: str, said: str, mended_: str
) -> None:
    """Unit, commas and decimals are the author's; so is every other byte, here with Windows line ends."""
    around = f"{head}# Ä model\r\n\r\n{{}}\r\n\r\nText, 48 and 64 of it.  \r\n"
    write(tmp_path, around.format(said).encode())

    after = fixed(tmp_path)

    assert around.format(mended_).encode() == after
    write(tmp_path, after or b"")
    assert fixed(tmp_path) is None
    assert not [
        finding
        for finding in check_folder(tmp_path, select=["CLAIM"]).findings
        if finding.line == (7 if head else 4)
    ]


@pytest.mark.parametrize(
    "said",
    [
        "- Layers: 48, of 48 in the base",
        "- Layers: 48\n- Layers: 47",
        "- Tensor type: float32 or fp16",
        "- Parameters: 12T",
        "- LoRA target modules: q_proj, v_proj",
    ],
    ids=["twice in its line", "two statements", "two names", "smaller than any unit", "names"],
)
def test_where_the_place_or_the_wording_is_in_doubt_the_card_is_left_to_its_author(
    tmp_path: Path, said: str
) -> None:
    """A half-right fix of a stranger's card is worse than the finding."""
    write(tmp_path, f"# A\n\n{said}\n".encode())
    if said.endswith("12T"):
        (tmp_path / "model.safetensors").write_bytes(safetensors("model.a BF16 10x10"))

    assert fixed(tmp_path) is None


def test_what_only_the_family_of_the_base_tells_is_not_written_into_a_card(tmp_path: Path) -> None:
    """The base may not be the one that was meant."""
    path = tmp_path / "README.md"
    path.write_text("---\nbase_model: google/gemma-3-12b-it\n---\n- Layers: 42\n- Parameters: 27B\n")

    found = check_card(path, select=["CLAIM120", "CLAIM122"]).findings

    assert ["CLAIM122", "CLAIM120"] == [finding.code for finding in found]
    assert not any(finding.fixable for finding in found)


def test_two_blocks_of_front_matter_become_one_and_a_key_that_is_in_both_is_left_to_its_author(
    tmp_path: Path,
) -> None:
    """The Hub reads the first block only: what stands in the second does not exist."""
    two = "---\r\nlicense: mit # ours\r\n---\r\n\r\n---\r\ntags: [{}]\r\n{}: x\r\n---\r\n# A\r\n"
    (tmp_path / "README.md").write_bytes(two.format("a", "pretty_name").encode())
    view = RepoView(FolderSource(tmp_path))

    after = mended(view, choose(["CARD002"]))["README.md"][1]

    assert b"---\r\nlicense: mit # ours\r\ntags: [a]\r\npretty_name: x\r\n---\r\n# A\r\n" == after
    (tmp_path / "README.md").write_bytes(two.format("a", "license").encode())
    assert {} == mended(RepoView(FolderSource(tmp_path)), choose(["CARD002"]))


@pytest.mark.parametrize(
    ("raw", "after"),
    [
        (b"# A\r\nb\r\nc\nd\r\n", b"# A\r\nb\r\nc\r\nd\r\n"),
        (b"# A\nb\r\nc\n\nd\r\n\n", b"# A\nb\nc\n\nd\n\n"),
        (b"# A\0\n\0b\0\0c\n", b"# A\nbc\n"),
        (b"# A\rb\0\n", b"# A\rb\n"),
        (b"# A\n\nb\0\r\nc\n", b"# A\n\nb\nc\n"),
    ],
    ids=["LF among CRLF", "CRLF among LF", "NUL", "NUL after an old Mac's line", "both in one line"],
)
def test_line_ends_of_the_rarer_kind_and_nul_characters_are_mended(
    tmp_path: Path, raw: bytes, after: bytes
) -> None:
    """Tools that edit the card would rewrite all of it, or refuse it."""
    (tmp_path / "README.md").write_bytes(raw)

    changes = mended(RepoView(FolderSource(tmp_path)), choose(["CARD004"]))

    assert after == changes["README.md"][1]


SNIPPET = '# A\n```python\nm = AutoModel.from_pretrained("acme/{}")\nt = AutoTokenizer.from_pretrained("acme/{}")\n```\n'


def test_a_snippet_gets_the_repos_own_id_where_it_is_known(tmp_path: Path) -> None:
    """Whoever copies the snippet gets a 404 else; without the id nobody can say which spelling is right."""
    (tmp_path / "README.md").write_text(SNIPPET.format("Aerial_12B", "aerial-12b"))
    source = FolderSource(tmp_path)

    after = mended(RepoView(source, Itself("acme/aerial-12b")), choose(["CARD010"]))["README.md"][1]

    assert SNIPPET.format("aerial-12b", "aerial-12b") == after.decode()
    assert {} == mended(RepoView(source), choose(["CARD010"]))


@pytest.mark.parametrize(
    ("key", "role"), [("base_model", "its own base"), ("new_version", "its own new version")]
)
def test_a_repo_that_names_itself_is_told_where_its_id_is_known(tmp_path: Path, key: str, role: str) -> None:
    """The Hub would draw a loop."""
    (tmp_path / "README.md").write_text(f"---\n{key}: acme/aerial\n---\n")
    view = RepoView(FolderSource(tmp_path), Itself("acme/aerial"))

    found = check_view(view, choose(["META021"]), "acme/aerial").findings

    assert [2] == [finding.line for finding in found]
    assert role in found[0].message
    assert () == check_folder(tmp_path, select=["META021"]).findings


def test_a_count_of_rows_is_mended_from_the_parquet_files_and_not_from_what_the_card_declares(
    tmp_path: Path,
) -> None:
    """Footers cannot lie about their rows; `dataset_info` may be as old as the sentence."""
    pa = pytest.importorskip("pyarrow")
    pq = pytest.importorskip("pyarrow.parquet")
    (tmp_path / "data").mkdir()
    for split, rows in (("train", 400), ("test", 80)):
        pq.write_table(
            pa.table({"a": list(range(rows))}), tmp_path / "data" / f"{split}-00000-of-00001.parquet"
        )
    (tmp_path / "README.md").write_text("---\nlicense: mit\n---\n- **Number of samples**: 500\n")

    after = fixed(tmp_path)

    assert b"---\nlicense: mit\n---\n- **Number of samples**: 480\n" == after
    declared = (
        "---\ndataset_info:\n  splits: [{name: train, num_examples: 480}]\n---\n- Number of samples: 500\n"
    )
    for file in (tmp_path / "data").iterdir():
        file.unlink()
    (tmp_path / "README.md").write_text(declared)
    assert fixed(tmp_path) is None


def test_every_heading_without_its_blank_is_mended_also_those_that_are_not_told_one_by_one(
    tmp_path: Path,
) -> None:
    """A fix that has to be run again was none."""
    (tmp_path / "README.md").write_text("# A\n" + "".join(f"##Part {n}\ntext\n" for n in range(9)))

    after = mended(RepoView(FolderSource(tmp_path)), choose(["CARD008"]))["README.md"][1].decode()

    assert "# A\n" + "".join(f"## Part {n}\ntext\n" for n in range(9)) == after
    assert 5 == len(check_folder(tmp_path, select=["CARD008"]).findings)
