"""Rules on snippets, where they must keep quiet and what they mend: on cards as people write them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from known_autos import load, merged

from publisher.checks.fix import mended
from publisher.checks.known.autos import class_for, loads
from publisher.checks.observe.readme import Readme
from publisher.checks.observe.snippets import Snippets
from publisher.checks.observe.target import RepoView
from publisher.checks.registry import choose
from publisher.checks.run import check_card, check_folder
from publisher.checks.source import FolderSource


def python(*blocks: str) -> str:
    return "\n".join(f"```python\n{block}\n```\n" for block in blocks)


def fixed(folder: Path, text: str, code: str) -> str:
    """What `--fix` makes of a card, twice: the second time must change nothing."""
    (folder / "README.md").write_text(text, "utf-8")
    for _ in range(2):
        changes = mended(RepoView(FolderSource(folder)), choose([code]))
        after = changes["README.md"][1].decode() if changes else None
        if after is not None:
            (folder / "README.md").write_text(after, "utf-8")

    assert after is None
    return (folder / "README.md").read_text("utf-8")


LOAD = (
    "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
    'tok = AutoTokenizer.from_pretrained("a/b")\n'
    'llm = AutoModelForCausalLM.from_pretrained("a/b", device_map="auto")\n'
)


def test_a_renamed_argument_is_renamed_in_all_blocks_at_once_and_keeps_its_line(tmp_path: Path) -> None:
    """One finding a card, and still no second run is needed."""
    text = python(
        'from transformers import AutoModel\nAutoModel.from_pretrained("ä/b", torch_dtype="auto")  # torch_dtype',
        '>>> m = AutoModel.from_pretrained(\n...     "a/b",\n...     torch_dtype=None,\n... )\nout',
    )

    expected = text.replace("torch_dtype=", "dtype=")
    assert expected == fixed(tmp_path, text, "SNIP145")


@pytest.mark.parametrize(
    "text",
    [
        python('from modelscope import AutoModel\nAutoModel.from_pretrained("a/b", torch_dtype="auto")'),
        python(
            'from transformers import AutoModel\nAutoModel.from_pretrained("a/b", torch_dtype=1, trust_remote_code=True)'
        ),
        python('from transformers import AutoModel\nAutoModel.from_pretrained("a/b", torch_dtype="auto")')
        + "\nNeeds transformers==4.40.0\n",
        python(
            'from transformers import AutoModel\nAutoModel.from_pretrained("a/b", torch_dtype=1, dtype=2)'
        ),
        python('from transformers import AutoModel\nAutoModel.from_pretrained("a/b", load_in_4bit=True)'),
    ],
    ids=["another library", "code of its own", "an old version", "both", "no other name"],
)
def test_an_argument_is_left_alone_where_the_new_name_might_be_refused(tmp_path: Path, text: str) -> None:
    """A fix that breaks a snippet is worse than the warning."""
    assert text == fixed(tmp_path, text, "SNIP145")


def test_sampling_limits_and_devices_are_mended_where_they_stand_and_the_code_still_parses(
    tmp_path: Path,
) -> None:
    """The author sees three small changes, in an indented block as well."""
    body = (
        'inputs = tok("ein Schiff, größer", return_tensors="pt")\n'
        "out = llm.generate(**inputs, max_length=20)\nout = llm.generate(**inputs, temperature=0.7, max_length=30)"
    )
    text = python("\n".join("    " + line for line in (LOAD + body).split("\n")))

    for code in ("SNIP146", "SNIP147", "SNIP150"):
        text = fixed(tmp_path, text, code)

    assert 'größer", return_tensors="pt").to(llm.device)\n' in text
    assert "**inputs, max_new_tokens=20)" in text
    assert "**inputs, do_sample=True, temperature=0.7, max_new_tokens=30)" in text
    (block,) = Snippets(Readme.parse(text.encode())).parsed
    assert isinstance(block.tree, ast.Module)


@pytest.mark.parametrize(
    ("code", "body"),
    [
        ("SNIP147", 'settings = {"max_new_tokens": 5}\nllm.generate(x, max_length=20, **settings)'),
        ("SNIP146", "llm.generate(x, num_beams=4, temperature=0.7)"),
        ("SNIP150", 'ids = tok("a", return_tensors="np")\nllm.generate(**ids)'),
    ],
)
def test_a_place_whose_meaning_is_unclear_is_reported_and_not_mended(
    tmp_path: Path, code: str, body: str
) -> None:
    """Both arguments at once raise, beams are not sampled, arrays cannot be moved."""
    text = python(LOAD + body)

    assert text == fixed(tmp_path, text, code)
    assert [code] == [finding.code for finding in check_folder(tmp_path, select=[code]).findings]


def test_inputs_that_are_made_before_the_model_are_not_moved_to_it(tmp_path: Path) -> None:
    """`llm.device` would be a NameError there."""
    first, second, third = LOAD.strip().split("\n")
    text = python(f'{first}\n{second}\nids = tok("a", return_tensors="pt")\n{third}\nllm.generate(**ids)')

    assert text == fixed(tmp_path, text, "SNIP150")


@pytest.mark.parametrize(
    ("text", "severities"),
    [
        (python("from transformers import AutoModelForCasualLM"), ["warning"]),
        (python("from transformers import segment_image"), ["warning"]),
        (python("from transformers import Qwen99ForCausalLM"), ["note"]),
        (python("from transformers import Qwen99ForCausalLM") + "\n`pip install transformers>=9.1`\n", []),
        (
            python("from transformers import brand_new")
            + "\n`pip install git+https://github.com/huggingface/transformers`\n",
            [],
        ),
        (
            python(
                "from transformers import TFBertModel, FlaxBertModel, AdamW, AutoModelWithLMHead, logging"
            ),
            [],
        ),
        (python("from datasets import load_metric\nfrom huggingface_hub import cached_download, login"), []),
        (python("from diffusers import StableDiffusionPipeline, DPMSolverMultistepScheduler"), []),
        (python("from sentence_transformers import SentenceTransformer, util, CrossEncoder"), []),
        (python("from transformers.models.own import Anything\nfrom .transformers import x"), []),
    ],
)
def test_names_that_no_version_had_are_reported_and_all_others_are_not(
    tmp_path: Path, text: str, severities: list[str]
) -> None:
    """Cards live for years; libraries move on."""
    card = tmp_path / "README.md"
    card.write_text(text, "utf-8")

    assert severities == [str(each.severity) for each in check_card(card, select=["SNIP143"]).findings]


def test_a_class_that_config_json_names_is_known(tmp_path: Path) -> None:
    """Who released the model knows that there is such a class."""
    (tmp_path / "config.json").write_text('{"architectures": ["Qwen99ForCausalLM"]}')
    (tmp_path / "README.md").write_text(python("from transformers import Qwen99ForCausalLM"))

    assert () == check_folder(tmp_path, select=["SNIP143"]).findings


@pytest.mark.parametrize(
    ("config", "code"),
    [
        (
            '{"model_type": "qwen2_vl", "auto_map": {"AutoModelForCausalLM": "a.B"}}',
            'AutoModelForCausalLM.from_pretrained("a/b")',
        ),
        ('{"model_type": "qwen2_vl"}', 'AutoModelForCausalLM.from_pretrained("a/b", trust_remote_code=True)'),
        ('{"model_type": "something_new"}', 'AutoModelForCausalLM.from_pretrained("a/b")'),
        ('{"model_type": "qwen2_vl"}', 'AutoModelForCausalLM.from_pretrained("a/b", subfolder="llm")'),
        (
            '{"model_type": "qwen2_vl"}',
            'AutoModelForCausalLM.from_pretrained("a/b")\nn = AutoModelForCausalLM.from_pretrained("c/d")',
        ),
        ('{"model_type": "gemma3"}', 'AutoModelForCausalLM.from_pretrained("a/b")'),
    ],
    ids=["auto_map", "its own code", "new kind", "subfolder", "two repos", "both ways"],
)
def test_a_class_is_not_called_wrong_where_another_reading_is_possible(
    tmp_path: Path, config: str, code: str
) -> None:
    """Only a load that must fail is reported."""
    (tmp_path / "config.json").write_text(config)
    (tmp_path / "README.md").write_text(python(f"from transformers import AutoModelForCausalLM\nm = {code}"))

    assert () == check_folder(tmp_path, select=["SNIP149"]).findings


def test_an_adapter_that_is_loaded_through_transformers_is_sound_where_the_card_names_peft(
    tmp_path: Path,
) -> None:
    """transformers loads adapters itself, where peft is installed."""
    (tmp_path / "adapter_config.json").write_text('{"base_model_name_or_path": "a/base"}')
    load = python(
        "from transformers import AutoModelForCausalLM\nm = AutoModelForCausalLM.from_pretrained('a/b')"
    )
    (tmp_path / "README.md").write_text("---\nlibrary_name: peft\n---\n" + load)

    assert () == check_folder(tmp_path, select=["SNIP149"]).findings


def test_the_auto_classes_are_those_of_the_installed_transformers_and_of_older_ones() -> None:
    """`python tests/checks/known_autos.py` mends."""
    known = load()

    assert known == merged(known, [])
    assert loads("AutoModelForCausalLM", "gemma3")
    assert loads("AutoModelForCausalLM", "llava") is False
    assert loads("AutoModelForCausalLM", "nobody's") is None
    assert "AutoModelForImageTextToText" == class_for("llava")


@pytest.mark.parametrize(
    "text",
    [
        "```bash\npip install unsloth\n```\n" + python("import peft"),
        "```bash\npip install trl[vllm]\n```\n" + python("import peft"),
        "```bash\npip install torch transformers && python run.py\n```\n"
        + python("import json, torch, numpy"),
        "```bash\npip install transformers\n```\nand `pip install peft`\n" + python("import peft"),
        "```bash\nuv pip install --index-url https://x.example/y -U peft\n```\n"
        + python("import peft, transformers"),
        "```bash\nconda install transformers\n```\n```bash\npip install torch\n```\n" + python("import peft"),
        python("import peft"),
    ],
    ids=["unknown needs", "an extra", "given", "in the text", "options", "conda", "no line"],
)
def test_an_install_line_is_left_alone_where_it_may_be_enough(tmp_path: Path, text: str) -> None:
    """A note on a sound card is noise."""
    card = tmp_path / "README.md"
    card.write_text(text, "utf-8")

    assert () == check_card(card, select=["SNIP154"]).findings


def test_an_extra_that_brings_accelerate_is_known(tmp_path: Path) -> None:
    """`device_map` wants accelerate, which transformers alone does not bring."""
    card = tmp_path / "README.md"
    found = []
    for package in ("transformers", '"transformers[torch]"'):
        card.write_text(f"```bash\npip install {package}\n```\n" + python(LOAD))
        found.append([each.hint for each in check_card(card, select=["SNIP154"]).findings])

    assert [["add accelerate"], []] == found
