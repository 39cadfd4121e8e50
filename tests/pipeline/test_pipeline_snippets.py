"""A card's code runs on folders that hold the same bytes as the repos it names."""

from __future__ import annotations

from publisher.pipeline.snippets import snippets_of

CARD = """# A model

```python
base = load("acme/base", revision="v1")
model = load('acme/base-lora')
other = load("someone/else")
```

```bash
pip install acme/base
```

```python
print("acme/base is mentioned, acme/base-lora too")
```
"""
FOLDERS = {"acme/base": "/w/base", "acme/base-lora": "/w/it's here"}


def test_quoted_repo_ids_become_folders_and_nothing_else_changes() -> None:
    """The proof must run the code that users will copy."""
    first, second = snippets_of(CARD, FOLDERS)

    expected = (
        "base = load('/w/base', revision=\"v1\")\n"
        'model = load("/w/it\'s here")\n'
        'other = load("someone/else")\n'
    )
    assert expected.strip() == first.code.strip()
    assert 'print("acme/base is mentioned, acme/base-lora too")' == second.code.strip()


def test_a_snippet_is_named_after_the_line_it_stands_on() -> None:
    """An error in it must lead to the place in the card."""
    names = [snippet.name for snippet in snippets_of(CARD, FOLDERS)]
    lines = CARD.splitlines()
    for name in names:
        number = int(name.removeprefix("README.md:"))
        assert lines[number - 1].startswith(("```python", "base", "print"))
    assert 2 == len(set(names))
