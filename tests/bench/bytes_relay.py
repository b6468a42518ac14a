"""A relay that looks at nothing: what two more pipes and one more process cost by themselves."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys


def main() -> None:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
    assert child.stdin is not None
    assert child.stdout is not None
    up, down = child.stdin.fileno(), child.stdout.fileno()
    loop = asyncio.new_event_loop()

    def to_server() -> None:
        chunk = os.read(0, 65536)
        if chunk:
            os.write(up, chunk)
        else:
            loop.stop()

    loop.add_reader(0, to_server)
    loop.add_reader(down, lambda: os.write(1, os.read(down, 65536)))
    loop.run_forever()
    child.kill()
    child.wait()
    loop.close()


main()
