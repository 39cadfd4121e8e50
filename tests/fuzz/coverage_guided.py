"""A search for bytes that break a parser, led by the code they reach: `python coverage_guided.py NAME… --seconds 30`.

Needs atheris (https://github.com/google/atheris), which has wheels for Linux alone, so it is no dependency of the
project: `make fuzz` brings it. A finding ends the run with its bytes in a file; they belong into `test_fuzz_parsers.py`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path


def main() -> int:
    """Search one target after the other, each in a process of its own, for that is how libFuzzer ends."""
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        search(options.names[0], options.seconds)
    from fuzz_seeds import SEEDS

    failed = []
    for name in options.names or SEEDS:
        command = [sys.executable, __file__, name, "--inside", "--seconds", str(options.seconds)]
        if subprocess.run(command, check=False).returncode:
            failed.append(name)
    sys.stdout.write(f"broken: {', '.join(failed)}\n" if failed else "nothing found\n")
    return 1 if failed else 0


def search(name: str, seconds: int) -> None:
    """Search one target; never returns."""
    import atheris

    with atheris.instrument_imports(include=["publisher"]):
        from fuzz_targets import TARGETS
    from fuzz_seeds import SEEDS

    corpus = Path(tempfile.mkdtemp(prefix=f"fuzz-{name}-"))
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed{number}").write_bytes(seed)
    limits = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=8192", f"-max_total_time={seconds}"]
    atheris.Setup(
        [
            name,
            *limits,
            "-verbosity=0",
            "-print_final_stats=1",
            f"-artifact_prefix={corpus}/broken-",
            str(corpus),
        ],
        TARGETS[name],
    )
    atheris.Fuzz()


if __name__ == "__main__":
    raise SystemExit(main())
