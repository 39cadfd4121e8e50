"""SEC082 secret: a file holds a token, a password or a private key.

Why   what is pushed to a public repo is read by scanners within minutes, and a deleted line stays in the history.
      Looked at are all texts, notebooks and logs, TensorBoard's too, and the texts in pickles such as
      training_args.bin. What only looks like a key, by its name and its disorder, is a warning.
Fix   revoke the token first, where it was made; then delete it here, and never push the commit that held it.

Bad
    README.md:
        # How to load
        login(token="{a token}") ←
Bad
    config.json:
        {
          "hub_token": "{a token}" ←
        }
Bad
    training_args.bin (pickle of the text {a token}): ←
Bad
    train.py:
        client = Client(api_key="q8RZ2mVx7LdT4pKc9WnB") ←
Good
    README.md:
        # How to load
        login(token="hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
        client = Client(api_key="your-api-key-goes-here-1234")
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.files import Files
from publisher.checks.observe.pickles import Pickles
from publisher.checks.observe.target import Given, Heads
from publisher.checks.observe.texts import Texts
from publisher.checks.rule import Fault, Skip, rule
from publisher.checks.secrets import Secret, find_secrets
from publisher.records.findings import Severity

_MOST = 20  # findings a file; a leaked list of keys needs no thousand lines


@rule(Severity.ERROR)
def secret(texts: Texts, given: Given, heads: Heads, pickles: Pickles) -> Iterator[Fault | Skip]:
    """Report where a secret stands and what it looks like, never the secret."""
    for text in texts:
        if text.partial is not None:
            read = f"{text.partial // 2**20} MB" if text.partial >= 2**20 else f"{text.partial // 2**10} kB"
            yield Skip(f"{text.path}: only the first {read} were read")
        for found in find_secrets(text.content)[:_MOST]:
            # Rows of a dataset are other people's words: only an issuer's own shape counts there.
            if found.sure or not (text.is_data or text.is_vocabulary):
                yield _fault(found, text.path, *((None, None) if text.binary else text.place(found.start)))
    if texts.left_out:
        yield Skip(f"{texts.left_out:,} more texts were not fetched")
    if given.files is not None:
        yield from _in_pickles(given.files, heads, pickles)


def _in_pickles(files: Files, heads: Heads, pickles: Pickles) -> Iterator[Fault]:
    for entry in pickles.find(files, heads):
        if entry.readable:
            texts = pickles.scan(entry.path, entry.size).texts
            for found in find_secrets("\n".join(sorted(texts)))[:_MOST]:
                yield _fault(found, entry.path)


def _fault(found: Secret, path: str, line: int | None = None, column: int | None = None) -> Fault:
    return Fault(
        f"this looks like {found.what}",
        path,
        line,
        column,
        hint="revoke it, then delete it here" if found.sure else "if it is one, revoke it, then delete it",
        severity=None if found.sure else Severity.WARNING,
    )
