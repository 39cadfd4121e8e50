"""The command line, and what makes it start fast: it is set before anything else is imported."""

import gc
import os

# Starting makes many objects that stay; to look for garbage after each 700 of them costs a tenth of it.
gc.set_threshold(100_000, 20, 20)
# pydantic would read every installed package's metadata for plugins, which would change how a manifest is read.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
