"""Code in cards, read and never run: what it binds, loads and calls, whatever strangers write."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.checks.observe.readme import Readme
from publisher.checks.observe.snippets import Snippets
from publisher.checks.run import check_card, check_folder
from publisher.records.findings import SkippedRule

LIMIT_S = 8


@pytest.fixture(autouse=True)
def _limit() -> Iterator[None]:
    """An alarm, so that a hang is a failure of this test and not of the whole run."""

    def fail(*_: object) -> None:
        raise AssertionError(f"took longer than {LIMIT_S} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(LIMIT_S)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def codes(folder: Path, text: str) -> list[tuple[str, int | None]]:
    path = folder / "README.md"
    path.write_text(text, "utf-8")
    return [(finding.code, finding.line) for finding in check_card(path, select=["SNIP"]).findings]


def python(*blocks: str) -> str:
    return "\n".join(f"```python\n{block}\n```\n" for block in blocks)


LOAD = (
    "from transformers import AutoModelForCausalLM, AutoTokenizer\n"
    'tok = AutoTokenizer.from_pretrained("a/b")\n'
    'model = AutoModelForCausalLM.from_pretrained("a/b")\n'
)


@pytest.mark.parametrize(
    "text",
    [
        python("%pip install x\n!ls\nimport torch\nprint(torch)"),
        python(">>> import torch\n>>> for n in range(2):\n...     print(n)\n0\n1"),
        python(
            '>>> from transformers import pipeline\n>>> ask = pipeline(\n    "text-generation", model="a/b"\n)'
        ),
        python("    import torch\n    print(torch)"),
        python(
            "from peft import LoraConfig\nconfig = LoraConfig(\n    r=8,\n    ...,\n)\nprint(LoraConfig(r=4, ...))"
        ),
        python(
            "from peft import LoraConfig\nconfig = LoraConfig(\n    r=8  # rank\n    ...  # the rest\n)\nprint(config)"
        ),
        python("import torch\nmodel = torch.load(<path to the file>)\nprint(model)"),
        python(LOAD + "model = model.to('cuda')\nmodel.eval()\nmodel.generate(tok('x'), max_new_tokens=5)"),
        python(LOAD, "from sagemaker import Model\nmodel = Model()\npredictor = model.deploy()").replace(
            "sagemaker", "json"
        ),
        python(
            "import torch\ntry:\n    x = 1\nexcept ValueError as e:\n    print(e)\nprint([y for y in range(3)], x)"
        ),
        python("from torch import *\nprint(tensor([1]))"),
        python("outputs = model.generate(**inputs)"),  # a fragment shows one call, not a program
        "```python\n```\n",
        "```\nimport nothing in a block of no language\n```\n",
        "    from indented import block\n",
    ],
)
def test_sound_code_is_left_alone(tmp_path: Path, text: str) -> None:
    """Cards show code in notebooks', consoles' and fragments' ways."""
    assert [] == codes(tmp_path, text)


def test_a_block_that_does_not_parse_leaves_the_names_of_all_blocks_unknown(tmp_path: Path) -> None:
    """What is missing may be defined in the part that cannot be read."""
    path = tmp_path / "README.md"
    path.write_text(python("image = open('x'", "import torch\nprint(image)"), "utf-8")

    report = check_card(path, select=["SNIP140", "SNIP141"])

    assert ["SNIP140"] == [finding.code for finding in report.findings]
    assert (
        SkippedRule("SNIP141", "a Python block does not parse, so nobody knows which names it defines")
        in report.skipped
    )


def test_a_module_that_lies_in_the_repo_is_known(tmp_path: Path) -> None:
    """Many repos bring the code that their snippets import."""
    (tmp_path / "harbour.py").write_text("x = 1\n", "utf-8")
    (tmp_path / "README.md").write_text(python("import harbour\nprint(harbour)"), "utf-8")

    assert () == check_folder(tmp_path, select=["SNIP142"]).findings


def test_a_setting_that_generation_config_turns_on_is_no_fault_and_one_that_it_does_not_is_a_warning(
    tmp_path: Path,
) -> None:
    """The file beside the card decides whether the snippet samples."""
    (tmp_path / "README.md").write_text(
        python(LOAD + "model.generate(tok('x'), max_new_tokens=5, top_p=0.9)"), "utf-8"
    )
    found = []
    for text in ('{"do_sample": true}', '{"do_sample": false}'):
        (tmp_path / "generation_config.json").write_text(text, "utf-8")
        found.append([str(each.severity) for each in check_folder(tmp_path, select=["SNIP146"]).findings])

    assert [[], ["warning"]] == found


@pytest.mark.parametrize(
    "block",
    [
        "(" * 50_000,
        "-" * 90_000 + "1",
        "a" + ".b" * 40_000,
        "x = " + "[" * 3000 + "]" * 3000,
        "f(" * 20_000,
        "x = '" + "\\N{dash}" * 1000 + "'",
        "\0",
        "x = 9" + "9" * 9000,
        "\n".join(f"m{n} = AutoModel.from_pretrained('a/b')\nm{n}.generate(x)" for n in range(3000)),
        "import " + ", ".join(f"p{n}" for n in range(5000)),
        "from transformers import " + ", ".join(f"AutoModelForCausalLM{n}x" for n in range(3000)),
        "import peft\n" + "# pip install transformers install " * 3000,
        "x = f(" + "<a b>, ..., " * 3000,
    ],
    ids=lambda text: repr(text[:8]),
)
def test_code_that_is_made_to_break_a_reader_is_survived(tmp_path: Path, block: str) -> None:
    """A stranger's card may be an attack on the parser."""
    codes(tmp_path, python(block))


def test_hundreds_of_blocks_are_read_in_bounded_time(tmp_path: Path) -> None:
    """Only so much Python of one card is read."""
    codes(tmp_path, python(*[LOAD + "model.generate(**tok('x'), max_length=5)\n" * 20] * 300))


@pytest.mark.parametrize(
    "unit", ["gemma-2-", "- **a**: 4", "# h\n", "| a | b ", "@a{", "42 transformer ", "r=1 lora "]
)
def test_ten_megabytes_of_one_claim_are_read_in_linear_time(tmp_path: Path, unit: str) -> None:
    """Patterns that backtrack would need hours."""
    path = tmp_path / "README.md"
    path.write_text(
        "---\nlicense: mit\n---\n" + unit * (10 * 2**20 // len(unit) // (10 if "\n" in unit else 1)), "utf-8"
    )

    check_card(path, select=["CLAIM", "SNIP", "CARD"])


def test_commands_keep_the_line_of_every_word() -> None:
    """A finding on an option points at its own line of a command that runs over many."""
    readme = Readme.parse(b"```bash\n$ python train.py \\\n  --lr 1e-4 \\\n  --out='my dir'\n```\n")

    command = Snippets(readme).commands[0]

    assert "train.py" == command.script
    assert [("--lr", "1e-4", 3), ("--out", "my dir", 4)] == list(command.options())
