"""A small TCP relay, for the faults that live below HTTP: half-open connections, resets, tiny slices, jitter."""
import asyncio
import random
from typing import Optional, Set

_CHUNK = 65_536


class TcpProxy:
    """Relays a port of its own to a simulator. Use `start`/`stop` or `async with`; change its attributes at any time.

    :param target_port: port of the simulator on `host`
    :param seed: makes the jitter repeatable
    """

    def __init__(self, target_port: int, host: str = "127.0.0.1", seed: int = 1) -> None:
        self.slice_bytes: Optional[int] = None
        """Most bytes that are passed on at once; None: as they come."""
        self.jitter_s = 0.0
        """Longest pause before each slice, in seconds."""
        self.refusing = False
        """Whether new connections are cut at once."""
        self._target_port = target_port
        self._host = host
        self._random = random.Random(f"{seed}:proxy")
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._server: Optional[asyncio.Server] = None
        self._writers: Set[asyncio.StreamWriter] = set()
        self._tasks: Set[asyncio.Task] = set()

    async def __aenter__(self) -> "TcpProxy":
        await self.start()
        return self

    async def __aexit__(self, *exc_info) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Stands in for the simulator's `url`."""
        return f"http://{self._host}:{self._server.sockets[0].getsockname()[1]}"

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._tasks)

    async def start(self) -> None:
        """Listens on a free port. :raises OSError: when there is none"""
        self._server = await asyncio.start_server(self._accept, self._host, 0)

    async def stop(self) -> None:
        """Cuts all connections and takes no more."""
        if self._server is not None:
            self._server.close()
            for task in list(self._tasks):
                task.cancel()
            self.cut()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._server = None

    def stall(self) -> None:
        """Connections stay open, but not a byte passes either way; new ones are accepted and stall as well."""
        self._flowing.clear()

    def resume(self) -> None:
        """Lets what has stalled flow on."""
        self._flowing.set()

    def cut(self) -> int:
        """Resets all connections and returns how many clients were connected."""
        cut = self.connections
        for writer in self._writers:
            writer.transport.abort()
        return cut

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refusing:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._connect(reader, writer)
        finally:
            self._tasks.discard(task)

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            target_reader, target_writer = await asyncio.open_connection(self._host, self._target_port)
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, target_writer}
        self._writers |= pair
        pumps = [asyncio.create_task(self._pump(reader, target_writer)),
                 asyncio.create_task(self._pump(target_reader, writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            for end in pair:
                end.close()
            self._writers -= pair

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK):
                await self._pass_on(data, writer)
        except ConnectionError:
            return

    async def _pass_on(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        step = self.slice_bytes or len(data)
        for start in range(0, len(data), step):
            await self._flowing.wait()
            if self.jitter_s:
                await asyncio.sleep(self._random.uniform(0, self.jitter_s))
            writer.write(data[start:start + step])
            await writer.drain()
            if self.slice_bytes:
                await asyncio.sleep(0)
