"""SEC082 secret: a text file holds a token or a private key.

Why   what is pushed to a public repo is read by scanners within minutes, and a deleted line stays in the history.
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
Good
    README.md:
        # How to load
        login(token="hf_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
"""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.observe.texts import Texts
from publisher.checks.rule import Fault, Skip, rule
from publisher.checks.secrets import find_secrets
from publisher.records.findings import Severity

_MOST = 20  # findings a file; a leaked list of keys needs no thousand lines


@rule(Severity.ERROR)
def secret(texts: Texts) -> Iterator[Fault | Skip]:
    """Report where a secret stands and what it looks like, never the secret."""
    for text in texts:
        if text.partial is not None:
            read = f"{text.partial // 2**20} MB" if text.partial >= 2**20 else f"{text.partial // 2**10} kB"
            yield Skip(f"{text.path}: only the first {read} were read")
        for found in find_secrets(text.content)[:_MOST]:
            line, column = text.place(found.start)
            yield Fault(
                f"this looks like {found.what}",
                text.path,
                line,
                column,
                hint="revoke it, then delete it here",
            )
