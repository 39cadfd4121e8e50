"""The light install must be able to import this room."""

import subprocess
import sys


def test_importing_the_room_loads_no_heavy_package():
    """`hubpub --help` imports what stages need; Pillow, numpy and pyarrow wait until something is drawn or written."""
    program = (
        "import sys, publisher.data.build, publisher.data.rows, publisher.data.aerial.resolver;"
        "print(sorted({'PIL', 'numpy', 'pyarrow', 'datasets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
