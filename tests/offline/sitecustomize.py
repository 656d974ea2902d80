"""Python's sockets reach this machine alone. conftest.py loads this, and so does every Python that a test starts.

What is tried beyond it raises, and is noted in the file that FOOTNOTE_OUTSIDE names, lest somebody catches the error.
"""

import ipaddress
import os
import socket
from pathlib import Path
from typing import Any

_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex
_sendto = socket.socket.sendto
_getaddrinfo = socket.getaddrinfo


class OutsideConnectionError(AssertionError):
    """Something tried to reach beyond this machine; no OSError, which much code takes for bad luck and tries again."""


def _check(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name is None or name in ("", "localhost", "0.0.0.0", "::"):
        return
    try:
        if ipaddress.ip_address(name.partition("%")[0]).is_loopback:
            return
    except ValueError:
        pass
    with Path(os.environ["FOOTNOTE_OUTSIDE"]).open("a", encoding="utf-8") as file:
        file.write(f"{name}\n")
    raise OutsideConnectionError(f"a test tried to reach {name}, beyond this machine")


def _check_address(family: int, address: Any) -> None:
    if family in (socket.AF_INET, socket.AF_INET6):
        _check(address[0])


def connect(self: socket.socket, address: Any) -> None:
    _check_address(self.family, address)
    _connect(self, address)


def connect_ex(self: socket.socket, address: Any) -> int:
    _check_address(self.family, address)
    return _connect_ex(self, address)


def sendto(self: socket.socket, data: Any, *flags_and_address: Any) -> int:
    _check_address(self.family, flags_and_address[-1])
    return _sendto(self, data, *flags_and_address)


def getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
    _check(host)
    return _getaddrinfo(host, *arguments, **options)


socket.socket.connect = connect  # type: ignore[method-assign]
socket.socket.connect_ex = connect_ex  # type: ignore[method-assign]
socket.socket.sendto = sendto  # type: ignore[method-assign,assignment]
socket.getaddrinfo = getaddrinfo
