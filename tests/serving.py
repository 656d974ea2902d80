"""A real server in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving(library: Path, *options: str, **environment: str) -> Iterator[str]:
    """`footnote serve` over the library in a folder, at a free port; gives its address, and stops it at the end."""
    command = [sys.executable, "-c", "import ui.cli; ui.cli.main()", "serve", "--port", "0", "--library", str(library)]
    server = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().split()[3]
    finally:
        server.terminate()
        server.wait(30)
        server.stdout.close()
