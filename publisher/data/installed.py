"""Packages that only some installs have: imported when first needed, missed with a command to type."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType

from publisher.errors import HubpubError


def installed(module: str) -> ModuleType:
    """Import a module of the `models` extra.

    Raises:
        HubpubError: HP-E01, its package is not installed.
    """
    try:
        return import_module(module)
    except ImportError as missing:
        package = module.partition(".")[0]
        raise HubpubError(
            "HP-E01",
            f"the Python package {package} is needed for datasets and is not installed",
            hint='pip install "hubpub[models]"',
            package=package,
        ) from missing
