"""An embedded Hub for a benchmark, as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BIN = Path(sys.executable).parent
TOKEN = "hf_acme"


@contextmanager
def serving(place: Path, **more: str) -> Iterator[dict[str, str]]:
    """Serve, and give the environment that leads to it, without progress bars; `more` is added to that."""
    ready, users = place / "ready", place / "users.yaml"
    users.write_text(f"- name: acme\n  tokens: [{{token: {TOKEN}}}]\n")
    where = ["--data", place / "hub", "--users", users, "--ready-file", ready]
    server = subprocess.Popen(
        [BIN / "hubpub", "hub", "serve", *where], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        while not ready.is_file():
            if server.poll() is not None:
                raise SystemExit("the Hub did not start")
            time.sleep(0.01)
        yield {
            **{name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ},
            "HOME": str(place / "home"),
            "HF_ENDPOINT": json.loads(ready.read_text())["url"],
            "HF_TOKEN": TOKEN,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            **more,
        }
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()
