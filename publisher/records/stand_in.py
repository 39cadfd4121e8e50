"""How a stand-in is marked: a small random model in the place of a real one, for rehearsals on this machine alone."""

from __future__ import annotations

MARK = "hubpub_stand_in"  # in config.json, and in the metadata of a safetensors file
TAG = "hubpub-stand-in"  # among the tags of a card, and of a GGUF file's header
SUFFIX = "-stand-in"  # at the end of every repo id
WORKSPACE = "@stand-in"  # at the end of the workspace's name
RULE = "WGT051"  # the check that finds any of these
REFUSED = "refused: stand-in"  # what is said where a real model would be judged
