"""The server as a process: it listens at an address, serves the application there and stops when told to."""

import errno
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from index.errors import BadInput
from rag import Chatbot
from ui.access import REQUESTS_A_MINUTE, Secrets, check_exposed
from ui.api import create_app

SHUTDOWN_SECONDS = 2
"""How long open requests may go on after Ctrl-C. A chat page in a browser holds one that never ends by itself."""


def serve(
    chatbot: Chatbot,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    secrets: Secrets | None = None,
    open_to_everyone: bool = False,
    requests_a_minute: int = REQUESTS_A_MINUTE,
) -> None:
    """Serves until Ctrl-C or SIGTERM and returns then. Prints the address once it answers there. Port 0: a free one.

    Raises BadInput when the address cannot be listened on, or is one beyond this machine and neither `secrets` nor
    `open_to_everyone` are given.
    """
    secrets = secrets or Secrets()
    with closing(_listen(host, port)) as listener:
        check_exposed(listener.getsockname()[0], secrets, open_to_everyone=open_to_everyone)
        import uvicorn

        port = listener.getsockname()[1]
        app = create_app(chatbot, host=host, port=port, secrets=secrets, requests_a_minute=requests_a_minute)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            ws="none",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        )

        class Server(uvicorn.Server):
            async def startup(self, sockets: list[socket.socket] | None = None) -> None:
                await super().startup(sockets)
                if self.started:
                    print(f"Footnote is at {_address(host, port)} (Ctrl-C stops it).", flush=True)

            async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
                # The connections of open chat pages are cut now, on purpose; each would be reported as a failure.
                log.disabled = True
                await super().shutdown(sockets)

            @contextmanager
            def capture_signals(self) -> Iterator[None]:
                # uvicorn would send itself the signal again after the shutdown, and so die of it.
                with _handling(self.handle_exit):
                    yield

        log = logging.getLogger("uvicorn.error")
        try:
            Server(config).run(sockets=[listener])
        finally:
            log.disabled = False


# Listening --------------------------------------------------------------------------------------------------------


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (OSError, UnicodeError):
        raise BadInput(f"There is no address {host!r} on this machine; --host 127.0.0.1 is the usual one.") from None
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there it would let two servers share one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        listener.close()
        if isinstance(error, PermissionError):
            raise BadInput(f"You may not listen on port {port}; choose one above 1023 with --port.") from None
        if error.errno == errno.EADDRINUSE:
            raise BadInput(
                f"Port {port} is in use, perhaps by another Footnote; choose another with --port {port % 65535 + 1}."
            ) from None
        raise BadInput(f"Footnote cannot listen on {host}, port {port}: {error.strerror or error}.") from None
    return listener


def _address(host: str, port: int) -> str:
    """What to type into a browser."""
    name = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}.get(host.strip("[]"), host)
    return (
        f"http://[{name}]:{port}" if ":" in name.strip("[]") and not name.startswith("[") else f"http://{name}:{port}"
    )


@contextmanager
def _handling(handler: Any) -> Iterator[None]:
    """Ctrl-C and SIGTERM go to `handler`; in a thread, where no signals come, nothing happens."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
