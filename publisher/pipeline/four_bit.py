"""4-bit on this machine: tried in a child, because bitsandbytes says what it cannot do when it is asked to do it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from publisher.engine.jobs import FourBit
from publisher.engine.worker import INSTALL, Limits, run_job
from publisher.errors import HubpubError
from publisher.pipeline.ability import Ability
from publisher.pipeline.machine import Machine
from publisher.records.facts import Json

NEEDS = ("torch", "bitsandbytes")
ERROR = (0.02, 0.25)  # of NF4: below it nothing was quantized, above it something else came out
PATIENCE_S = 180.0
NAME = "4-bit"
WITH_CUDA = "install a torch that was built for this GPU: https://pytorch.org/get-started/locally/"


def four_bit(machine: Machine) -> Ability:
    """Try a small layer where models would run."""
    missing = [package for package in NEEDS if machine.packages[package] is None]
    if missing:
        return Ability(NAME, "unknown", f"not tried: {', '.join(missing)} not installed", INSTALL)
    try:
        with TemporaryDirectory(prefix="hubpub-") as room:
            ran = run_job(
                FourBit(), scratch=Path(room), on_event=lambda event: None, limits=Limits(wall_s=PATIENCE_S)
            )
    except HubpubError as fault:
        return Ability(NAME, "missing", fault.what, fault.hint)
    return judged(machine, ran.details)


def judged(machine: Machine, told: Mapping[str, Json]) -> Ability:
    """What the layer's outcome says of this machine."""
    place, error = str(told["device"]), float(told["relative_error"])
    if not told["gradient"] or not ERROR[0] < error < ERROR[1]:
        off = f"came out {error:.1%} off its full weights, where NF4 is about 10% off"
        why = f"on {place} a layer {off if told['gradient'] else 'has no finite gradient'}"
        return Ability(NAME, "missing", why, f"another version of bitsandbytes: {INSTALL}")
    if machine.gpus and place == "cpu":
        return Ability(NAME, "missing", "it works on the CPU alone, torch sees no GPU", WITH_CUDA)
    return Ability(NAME, "ok", f"tried on {place}: a layer forth and back, {error:.1%} off its full weights")
