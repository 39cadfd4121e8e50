"""Rows that are there already: JSON lines and Parquet, with every fault at its line."""

import base64
import json

import pytest
from dataset_recipes import build_in, recipe

from publisher.errors import HubpubError

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")
pytestmark = pytest.mark.models

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


def lines(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))


def pairs(count):
    return [{"prompt": f"What is {n}?", "completion": f"a number, {n}"} for n in range(count)]


def split_of(out, split):
    return pq.read_table(out / f"data/{split}-00000-of-00001.parquet").to_pylist()


def faults(tmp_path, *rows, **settings):
    lines(tmp_path / "rows.jsonl", *rows)
    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path / "out", recipe("jsonl", file="rows.jsonl", **settings), root=tmp_path)
    return [(one.code, one.where, one.what) for one in caught.value.data.get("all", [caught.value])]


def test_prompts_and_completions_become_two_splits(tmp_path):
    """The shortest recipe: a file."""
    lines(tmp_path / "rows.jsonl", *pairs(20))

    measured = build_in(tmp_path / "out", recipe("jsonl", file="rows.jsonl"), root=tmp_path)

    train, held_out = (split_of(tmp_path / "out", split) for split in ("train", "validation"))
    assert (17, 3) == (len(train), len(held_out))
    assert sorted(map(str, pairs(20))) == sorted(map(str, (*train, *held_out)))
    assert 20 == measured["dataset.rows_read"].value


def test_conversations_keep_their_turns_and_content_in_parts_becomes_text(tmp_path):
    """Both forms that chat templates take; a training reads one."""
    turns = [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]
    parts = [
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What is it?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "A dot."}]},
    ]
    (tmp_path / "pictures").mkdir()
    (tmp_path / "pictures/a.png").write_bytes(PNG)
    lines(tmp_path / "rows.jsonl", {"messages": turns}, {"messages": parts, "images": ["pictures/a.png"]})
    settings = recipe("jsonl", file="rows.jsonl", split={"validation_share": 0.5})

    build_in(tmp_path / "out", settings, root=tmp_path)

    rows = [*split_of(tmp_path / "out", "train"), *split_of(tmp_path / "out", "validation")]
    by_length = sorted(rows, key=lambda row: -len(row["messages"]))
    assert [{"images": [], "messages": turns}] == by_length[:1]
    assert [
        {
            "images": [{"bytes": PNG, "path": "a.png"}],
            "messages": [
                {"role": "user", "content": "What is it?"},
                {"role": "assistant", "content": "A dot."},
            ],
        }
    ] == by_length[1:]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{", "is no JSON"),
        ("[1]", "is no JSON object"),
        ({"prompt": "a"}, "has no completion"),
        ({"prompt": "a", "completion": ""}, "completion is empty"),
        ({"prompt": "a", "completion": 4}, "completion is a number, not a text"),
        ({"prompt": "a", "completion": "b", "messages": []}, "has messages and prompt"),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
            "has messages, and the first row prompt and completion",
        ),
        ({"messages": []}, "messages is empty"),
        ({"messages": "Hi"}, "messages is a text, not a list of turns"),
        ({"messages": ["Hi"]}, "turn 1 is a text"),
        ({"messages": [{"role": "human", "content": "Hi"}]}, "has the role 'human'"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "turn 1 is of the assistant and the first"),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]},
            "turn 2 is of the user after the user",
        ),
        ({"messages": [{"role": "user", "content": "a"}]}, "ends with the user: there is no answer"),
        (
            {"messages": [{"role": "user", "content": " "}, {"role": "assistant", "content": "b"}]},
            "turn 1 is empty",
        ),
        (
            {"messages": [{"role": "user", "content": None}, {"role": "assistant", "content": "b"}]},
            "the content of turn 1 is missing, not a text",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "audio"}]},
                    {"role": "assistant", "content": "b"},
                ]
            },
            "neither text nor image",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "a"}]},
                    {"role": "assistant", "content": "b"},
                ]
            },
            "a place for 1 images, and it lists 0",
        ),
        ({"prompt": "a", "completion": "b", "images": ["no.png"]}, "the image no.png does not exist"),
        ({"prompt": "a", "completion": "b", "images": ["rows.jsonl"]}, "rows.jsonl is no image"),
        ({"prompt": "a", "completion": "b", "images": ["half.png"]}, "half.png is damaged"),
        ({"prompt": "a", "completion": "b", "images": ["a\0.png"]}, "does not exist"),
        ({"prompt": "a", "completion": "b", "images": ["a" * 300]}, "does not exist"),
        ({"prompt": "a", "completion": "b", "images": ["../../secret.png"]}, "lies outside the folder"),
        ({"prompt": "a", "completion": "b", "images": [7]}, "the image 7 is no path"),
        ({"prompt": "a \ud800", "completion": "b"}, "half of a surrogate pair"),
        (
            {
                "messages": [
                    {"role": "user", "content": "a"},
                    {"role": "assistant", "content": "b", "tool_calls": [{"id": "1"}]},
                    {"role": "tool", "content": "c"},
                    {"role": "assistant", "content": "d"},
                ]
            },
            "turn 2 has tool_calls",
        ),
    ],
)
def test_a_malformed_row_is_told_with_its_line(tmp_path, row, says):
    """Found before hours of training; a training on such a row fails, or learns nothing of it."""
    (tmp_path / "half.png").write_bytes(PNG[:45])
    (code, where, what), *_ = faults(tmp_path, pairs(1)[0], row)

    assert ("HP-D06", "rows.jsonl:2") == (code, where)
    assert says in what


def test_all_faults_are_told_at_once_and_only_the_first_twenty_in_full(tmp_path):
    """Nobody wants to run it once a fault; nobody reads ten thousand."""
    found = faults(tmp_path, *({"prompt": "", "completion": ""} for _ in range(15)))

    assert 21 == len(found)
    assert ("HP-D06", "rows.jsonl:1", "prompt is empty") == found[0]
    assert "and 10 faults more" == found[-1][2]


def test_columns_of_other_names_are_mapped_and_else_refused_with_their_names(tmp_path):
    """The error shows what to write."""
    rows = [{"question": f"{n}?", "answer": f"it is {n}", "id": n} for n in range(9)]
    ((code, _, what),) = faults(tmp_path, *rows)
    assert ("HP-D02", "the columns are not those of a training: answer, id, question") == (code, what)

    settings = recipe("jsonl", file="rows.jsonl", columns={"prompt": "question", "completion": "answer"})
    measured = build_in(tmp_path / "ok", settings, root=tmp_path)

    assert ["id"] == measured["dataset.columns_left_out"].value
    assert ["prompt", "completion"] == measured["dataset.columns"].value


def test_rows_of_one_value_stay_on_one_side(tmp_path):
    """Questions about one document: half of them in training would give the others away."""
    rows = [row | {"document": f"d{n % 5}"} for n, row in enumerate(pairs(40))]
    lines(tmp_path / "rows.jsonl", *rows)
    for seed in range(3):
        settings = recipe(
            "jsonl", file="rows.jsonl", split={"by": "document", "seed": seed, "validation_share": 0.4}
        )

        build_in(tmp_path / str(seed), settings, root=tmp_path)

        def documents(split, seed=seed):
            said = {row["prompt"] for row in split_of(tmp_path / str(seed), split)}
            return {row["document"] for row in rows if row["prompt"] in said}

        assert not documents("train") & documents("validation")
    ((_, where, what),) = faults(tmp_path, pairs(1)[0], split={"by": "document"})
    assert ("rows.jsonl:1", "has no document, by which it is split") == (where, what)


def test_a_second_file_is_held_out_and_what_both_have_is_dropped_and_counted(tmp_path):
    """A held-out row that is trained on measures memory."""
    lines(tmp_path / "rows.jsonl", *pairs(8), pairs(1)[0])
    lines(tmp_path / "held.jsonl", *pairs(10)[7:])

    measured = build_in(
        tmp_path / "out", recipe("jsonl", file="rows.jsonl", validation="held.jsonl"), root=tmp_path
    )

    assert pairs(8) == split_of(tmp_path / "out", "train")
    assert pairs(10)[8:] == split_of(tmp_path / "out", "validation")
    dropped = {name: one.value for name, one in measured.items() if "dropped" in name and one.value}
    assert {"dataset.dropped.duplicate": 2} == dropped


def test_parquet_keeps_its_own_splits_and_its_pictures_byte_for_byte(tmp_path):
    """Row groups of any size; pictures are read when they are written."""
    features = pa.schema(
        [
            ("prompt", pa.string()),
            ("completion", pa.string()),
            ("images", pa.list_(pa.struct([("bytes", pa.binary()), ("path", pa.string())]))),
        ]
    )
    for split, start in (("train", 0), ("validation", 7), ("test", 9)):
        rows = [
            row | {"images": [{"bytes": PNG + bytes([n, k]), "path": f"{n}.png"} for k in range(n % 3)]}
            for n, row in enumerate(pairs(11))
            if start <= n < {"train": 7, "validation": 9, "test": 11}[split]
        ]
        (tmp_path / "in/data").mkdir(parents=True, exist_ok=True)
        pq.write_table(
            pa.Table.from_pylist(rows, schema=features),
            tmp_path / f"in/data/{split}-0.parquet",
            row_group_size=2,
        )

    measured = build_in(tmp_path / "out", recipe("parquet", folder="in"), root=tmp_path)

    assert (7, 2, 2) == tuple(
        measured[f"dataset.{split}.rows"].value for split in ("train", "validation", "test")
    )
    row = split_of(tmp_path / "out", "train")[5]
    assert [{"bytes": PNG + bytes([5, k]), "path": "5.png"} for k in range(2)] == row["images"]
    assert pairs(11)[9:] == [
        {k: row[k] for k in ("prompt", "completion")} for row in split_of(tmp_path / "out", "test")
    ]


def test_what_windows_writes_is_read(tmp_path):
    """A mark before the first line, two letters at the end of each."""
    text = "\ufeff" + "".join(json.dumps(row) + "\r\n" for row in pairs(4))
    (tmp_path / "rows.jsonl").write_bytes(text.encode())

    measured = build_in(tmp_path / "out", recipe("jsonl", file="rows.jsonl"), root=tmp_path)

    assert 4 == measured["dataset.rows"].value


def test_a_line_that_is_no_utf_8_is_told_by_its_own_number(tmp_path):
    """Far into the file, where text is decoded in portions of many lines."""
    whole = "".join(json.dumps(row) + "\n" for row in pairs(300)).encode()
    (tmp_path / "rows.jsonl").write_bytes(whole + b'{"prompt": "\xfc", "completion": "b"}\n')

    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path / "out", recipe("jsonl", file="rows.jsonl"), root=tmp_path)

    assert ("is no UTF-8 text", "rows.jsonl:301") == (caught.value.what, caught.value.where)


def test_one_picture_under_two_names_is_one_picture(tmp_path):
    """Rows are the same by what is seen, not by what it is called."""
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(PNG)
    lines(
        tmp_path / "rows.jsonl", *[pairs(1)[0] | {"images": [name]} for name in ("a.png", "b.png")], *pairs(3)
    )

    measured = build_in(tmp_path / "out", recipe("jsonl", file="rows.jsonl"), root=tmp_path)

    assert 1 == measured["dataset.dropped.duplicate"].value


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path):
    """`part.jsonl:1` would be either."""
    lines(tmp_path / "in/one/part.jsonl", *pairs(1))
    lines(tmp_path / "in/two/part.jsonl", {"prompt": "", "completion": "b"})

    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path / "out", recipe("parquet", folder="in"), root=tmp_path)

    assert "two/part.jsonl:1" == caught.value.where


def test_a_split_without_rows_is_told_with_what_was_left_out(tmp_path):
    """A filter that takes everything looks like a source that has nothing."""
    lines(tmp_path / "rows.jsonl", *pairs(5))
    settings = recipe("jsonl", file="rows.jsonl", filter={"min_words": 9})

    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path / "out", settings, root=tmp_path)

    assert "HP-D01" == caught.value.code
    assert "the train split has no rows: 5 were made or read; left out were: too_short 5" == caught.value.what


def test_parquet_is_told_by_row(tmp_path):
    """A picture without bytes points to a file that nobody else has."""
    rows = [{"prompt": "a", "completion": "b", "images": [{"bytes": None, "path": "a.png"}]}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "train.parquet")

    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path / "out", recipe("parquet", folder="."), root=tmp_path)

    assert ("HP-D06", "train.parquet, row 1") == (caught.value.code, caught.value.where)
    assert "whose bytes are not in the file" in caught.value.what


@pytest.mark.parametrize(
    ("source", "settings"),
    [("jsonl", {"file": "no.jsonl"}), ("parquet", {"folder": "no"}), ("jsonl", {"file": "empty.jsonl"})],
)
def test_what_is_not_there_is_told(tmp_path, source, settings):
    """Exit 1 before anything else."""
    (tmp_path / "empty.jsonl").write_text("\n")

    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path / "out", recipe(source, **settings), root=tmp_path)

    assert "HP-D01" == caught.value.code


def test_a_file_that_is_no_text_or_no_parquet_is_told(tmp_path):
    """Where, and what to do."""
    (tmp_path / "rows.jsonl").write_bytes(json.dumps(pairs(1)[0]).encode() + b'\n{"prompt": "\xff"}\n')
    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path / "out", recipe("jsonl", file="rows.jsonl"), root=tmp_path)
    assert ("HP-D06", "is no UTF-8 text") == (caught.value.code, caught.value.what)

    (tmp_path / "train.parquet").write_bytes(b"PAR1 not")
    with pytest.raises(HubpubError) as caught:
        build_in(tmp_path / "out", recipe("parquet", folder="."), root=tmp_path)
    assert "HP-D02" == caught.value.code
