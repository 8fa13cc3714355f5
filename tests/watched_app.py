"""``python tests/watched_app.py``: app.py, and every host that its process looks up or connects to,
one on each line of the file that VTW_HOSTS names."""

import os
import runpy
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_CALLS = {"socket.connect": 1, "socket.sendto": 1, "socket.sendmsg": 1, "socket.getaddrinfo": 0,
          "socket.gethostbyname": 0, "socket.gethostbyaddr": 0}  # fmt: skip


def watch(hosts):
    """Write down the host of whatever Python's sockets do, from now on."""

    def record(event, arguments):
        if event not in _CALLS:
            return
        where = arguments[_CALLS[event]]
        host = where[0] if isinstance(where, tuple) else where
        # A path is a socket of this machine; None is this machine, too.
        if host is not None and not str(host).startswith("/"):
            os.write(hosts, f"{host!s}\n".encode())

    sys.addaudithook(record)


if __name__ == "__main__":
    watch(os.open(os.environ["VTW_HOSTS"], os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    sys.path[0] = str(ROOT)
    runpy.run_path(str(ROOT / "app.py"), run_name="__main__")
