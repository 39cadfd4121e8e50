"""Where the previous major of transformers comes from: a folder of its own, beside the torch that is installed.

Many users are still on it, and it reads what version 5 writes differently: a rope that stands in another key, a vision
tower under another name, and nothing is said. peft, bitsandbytes and accelerate are those that are here: they serve both.
"""

from __future__ import annotations

from pathlib import Path

from publisher.engine.pip_folder import installed_apart

VERSION = "4.57.6"
PACKAGE = f"transformers=={VERSION}"
# Which it accepts no newer ones of.
BESIDE = ("huggingface_hub==0.36.0", "tokenizers==0.22.1")


def installed(cache: Path) -> Path:
    """The folder below `cache` that holds it; installed where it is not there yet.

    Raises:
        HubpubError: HP-E01, it is not there and cannot be had.
    """
    return installed_apart(cache, (PACKAGE, *BESIDE), "transformers", f"transformers {VERSION}")
