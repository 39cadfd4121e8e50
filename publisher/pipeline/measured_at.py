"""When stages measured, as far as this workspace knows. Facts carry no time: the same run gives the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from publisher.manifest.lock import Lock
from publisher.manifest.project import ReleasePaths


def measured_at(paths: ReleasePaths, lock: Lock | None) -> Mapping[str, str]:
    """Stage → the time at which it measured the lock's facts, such as `2026-01-31T12:00:00Z`.

    A stage is left out where nobody here knows: it ran on another machine, its result came back from the Hub, or what
    the workspace keeps is of another run than the lock's.
    """
    found = {}
    for stage, locked in (lock.stages if lock else {}).items():
        with suppress(OSError, ValueError):  # a workspace is a cache: what cannot be read is not known
            kept: Any = json.loads((paths.stages / f"{stage}.json").read_bytes())
            if isinstance(kept, dict) and kept.get("key") == locked.key and "measured_at" in kept:
                found[stage] = str(kept["measured_at"])
    return found
