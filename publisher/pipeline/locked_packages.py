"""The packages that releases were made with, from their locks: with others, CI would make everything anew."""

from __future__ import annotations

from collections.abc import Mapping

from publisher.errors import HubpubError
from publisher.manifest.lock import Lock


def locked_packages(locks: Mapping[str, Lock | None]) -> dict[str, str]:
    """Package → version, of all locks together, sorted by name. A release that was never made has none.

    Args:
        locks: release name → its lock.

    Raises:
        HubpubError: HP-M09 where two releases were made with different versions of a package.
    """
    found: dict[str, tuple[str, str]] = {}
    for name, lock in locks.items():
        stages = lock.stages.values() if lock else ()
        for package, version in (pair for stage in stages for pair in stage.packages.items()):
            other, known = found.setdefault(package, (name, version))
            if known != version:
                raise HubpubError(
                    "HP-M09",
                    f"{other} was made with {package} {known}, {name} with {version}: no machine has both",
                    where=f"model_cards/{name}/release.lock.json",
                    hint=f"release them one by one: git tag {name}-vVERSION",
                )
    return {package: version for package, (_, version) in sorted(found.items())}


def requirements(packages: Mapping[str, str]) -> list[str]:
    """The same as lines that pip reads. A build of torch such as 2.9.1+cpu is on PyTorch's own index alone."""
    label = packages.get("torch", "").partition("+")[2]
    index = [f"--extra-index-url https://download.pytorch.org/whl/{label}"] if label else []
    return index + [f"{package}=={version}" for package, version in packages.items()]
