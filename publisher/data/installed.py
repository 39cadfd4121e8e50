"""Packages that only some installs have: imported when first needed, missed with a command to type."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from publisher.errors import HubpubError


def installed(module: str, extra: str = "models") -> ModuleType:
    """Import a module of an extra.

    Raises:
        HubpubError: HP-E01, its package is not installed.
    """
    try:
        return import_module(module)
    except ImportError as fault:
        raise _missed(module, extra) from fault


def found(module: str, extra: str = "models") -> None:
    """The same refusal without the import, which may take a second.

    Raises:
        HubpubError: HP-E01, its package is not installed.
    """
    if find_spec(module) is None:
        raise _missed(module, extra)


def _missed(module: str, extra: str) -> HubpubError:
    package = module.partition(".")[0]
    return HubpubError(
        "HP-E01",
        f"the Python package {package} is needed for datasets and is not installed",
        hint=f'pip install "hubpub[{extra}]"',
        package=package,
    )
