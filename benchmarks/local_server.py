"""An HTTP server in the same event loop that answers what a venue would, as cheaply as it can."""
import asyncio
import json
import time
from typing import Any, Callable, List, Optional

# Method, target and body of a request to the decoded JSON of its answer.
Answerer = Callable[[str, str, bytes], Any]


class LocalServer:
    """`async with LocalServer(answer) as server` listens on `server.url`.

    :param answer: makes the answers
    """

    def __init__(self, answer: Answerer):
        self.answer = answer
        # When the last byte of each request for `counted_path` came, by `time.perf_counter`.
        self.arrivals_s: List[float] = []
        self.counted_path = ""
        self.cpu_s = 0.0  # what the answering itself took, so that it can be left out
        self.url = ""
        self._server: Optional[asyncio.Server] = None

    async def __aenter__(self) -> "LocalServer":
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: Any) -> None:
        self._server.close()


class _Connection(asyncio.Protocol):
    def __init__(self, server: LocalServer):
        self._server = server
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        now_s, began_s = time.perf_counter(), time.process_time()
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].decode("latin-1")
            size = next((int(line.split(":")[1]) for line in head.split("\r\n")
                         if line.lower().startswith("content-length:")), 0)
            if len(self._received) < end + 4 + size:
                break
            body = self._received[end + 4:end + 4 + size]
            self._received = self._received[end + 4 + size:]
            method, target, _ = head.split("\r\n", 1)[0].split(" ")
            if method == "POST" and target == self._server.counted_path:
                self._server.arrivals_s.append(now_s)
            self._transport.write(_answer(self._server.answer(method, target, body)))
        self._server.cpu_s += time.process_time() - began_s


def _answer(payload: Any) -> bytes:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
