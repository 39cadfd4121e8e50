"""Which versions of what took part: for receipts and the lock. No host name, no user name, no path."""

from __future__ import annotations

import platform
from importlib import metadata

PACKAGES = (
    "hubpub",
    "huggingface_hub",
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "safetensors",
    "datasets",
    "accelerate",
)


def environment() -> dict[str, str]:
    """Python and the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found
