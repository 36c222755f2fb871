"""Servers that answer what no HTTP or WebSocket server should: every request ends in a typed error, and soon."""
import asyncio
import datetime
import ipaddress
import logging
import re
import ssl
import zlib
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from test.hummingbot.connector.derivative.vest_perpetual.stream_testing import short_timing

import brotli
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_auth import VestPerpetualAuth
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_clock import ServerClock
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_connections import VestRESTRequest
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestError,
    VestNotSentError,
    VestServerError,
    VestUnreadableAnswerError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import SocketKeeper, VestSocketError
from hummingbot.core.web_assistant.connections.data_types import RESTMethod

API_KEY = "the-api-key-that-nobody-may-see"
LISTEN_KEY = "a-listen-key-nobody-may-see"
MEBIBYTE = 1024 * 1024
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class RawServer:
    """Sends each connection the given pieces, as far as it takes them, whatever it asks for."""

    def __init__(self, monkeypatch):
        self._monkeypatch = monkeypatch
        self.pieces = []
        self.sent_bytes = 0
        self._serving = set()

    async def start(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self._monkeypatch.setenv(CONSTANTS.SIMULATOR_URL_VARIABLE, f"http://127.0.0.1:{port}")

    async def stop(self):
        """Leaves no connection open, of which Python would complain in a later test."""
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader, writer):
        self._serving.add(asyncio.current_task())
        try:
            await reader.readuntil(b"\r\n\r\n")
            for piece in self.pieces:
                writer.write(piece)
                self.sent_bytes += len(piece)
                await writer.drain()
                await asyncio.sleep(0)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has had enough
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            writer.close()


@pytest_asyncio.fixture
async def server(monkeypatch):
    server = RawServer(monkeypatch)
    await server.start()
    yield server
    await server.stop()


@pytest_asyncio.fixture
async def factory():
    clock = ServerClock()
    auth = VestPerpetualAuth(API_KEY, "11" * 32, 0, clock, CONSTANTS.SIMULATOR_DOMAIN)
    factory = web_utils.build_api_factory(clock=clock, auth=auth, domain=CONSTANTS.SIMULATOR_DOMAIN)
    yield factory
    await factory.close()


async def ask(factory, timeout=10.0):
    """A private request, so that there is a secret to lose."""
    assistant = await factory.get_rest_assistant()
    return await assistant.execute_request(
        url=web_utils.private_rest_url(CONSTANTS.ACCOUNT_PATH, CONSTANTS.SIMULATOR_DOMAIN),
        throttler_limit_id=CONSTANTS.ACCOUNT_PATH, is_auth_required=True, timeout=timeout,
    )


def all_words(error):
    """Everything an error and its causes say, to people and to programs."""
    words = []
    while error is not None:
        words += [str(error), repr(error), repr(error.args)]
        error = error.__cause__ or error.__context__
    return " ".join(words)


def with_length(body, *headers):
    lines = [HEAD, *(header + b"\r\n" for header in headers)]
    return [b"".join(lines) + b"Content-Length: %d\r\n\r\n" % len(body), body]


def deflated(data):
    compressor = zlib.compressobj(wbits=31)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.asyncio
@pytest.mark.parametrize("pieces", [
    [HEAD + b"\r\n", *[b" " * MEBIBYTE] * 200],
    [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[b"100000\r\n" + b" " * MEBIBYTE + b"\r\n"] * 200],
    [HEAD + b"Content-Length: 1000000000000\r\n\r\n", *[b" " * MEBIBYTE] * 200],
], ids=["until it closes", "in chunks", "of the declared length"])
async def test_an_answer_without_end_is_read_no_further_than_any_of_the_venues(server, factory, pieces):
    server.pieces = pieces

    with pytest.raises(VestUnreadableAnswerError, match="longer than any of Vest's"):
        await ask(factory)

    assert server.sent_bytes < 32 * MEBIBYTE


@pytest.mark.asyncio
@pytest.mark.parametrize("encoding, body", [
    (b"gzip", deflated(b" " * 200 * MEBIBYTE)), (b"br", brotli.compress(b" " * 200 * MEBIBYTE, quality=1)),
    (b"gzip", b"no gzip"), (b"br", b"no brotli"), (b"gzip", deflated(bytes(range(256)))[:100]),
], ids=["gzip bomb", "brotli bomb", "no gzip", "no brotli", "cut off"])
async def test_a_compressed_answer_does_no_harm(server, factory, encoding, body):
    server.pieces = with_length(body, b"Content-Encoding: " + encoding)

    with pytest.raises(VestError) as failure:
        await ask(factory)

    assert API_KEY not in all_words(failure.value)


@pytest.mark.asyncio
@pytest.mark.parametrize("pieces", [
    [b"HTTP/1.1 200 OK\r\n", *[b"X-More: " + b"y" * 60 + b"\r\n"] * 5000, b"\r\n{}"],
    [HEAD + b"X: " + b"y" * MEBIBYTE + b"\r\n\r\n{}"],
    [b"y" * MEBIBYTE + b"\r\n\r\n"],
    [b"HTTP/9.9 9999 \xff\xff\r\n\r\n"],
    [HEAD + b"Content-Length: -5\r\n\r\n{}"],
    [HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}"],
    [HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffffffffff\r\n{}"],
    [HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}"],
    [HEAD + b"Key: " + API_KEY.encode() + b"\x00\r\n\r\n{}"],
    [b"HTTP/1.1 200 " + API_KEY.encode() + b"\r\nContent-Length: 9\r\n\r\n"],
    [b""],
], ids=lambda pieces: str(pieces[0][:40]))
async def test_what_is_no_http_is_a_typed_error_without_the_key(server, factory, pieces):
    server.pieces = pieces

    with pytest.raises(VestError) as failure:
        await ask(factory)

    assert API_KEY not in all_words(failure.value)


@pytest.mark.asyncio
@pytest.mark.parametrize("pieces", [
    [HEAD + b"Content-Length: 100\r\n\r\n"], [HEAD], [b"HTTP/1.1 100 Continue\r\n\r\n"] * 10_000,
], ids=["body", "head", "continues"])
async def test_b11_an_answer_that_comes_for_ever_ends_in_time(server, factory, pieces):
    class Drip(list):
        def __iter__(self):
            yield from super().__iter__()
            while True:
                yield b""

    server.pieces = Drip(pieces)

    with pytest.raises(VestError):
        async with asyncio.timeout(30):
            await ask(factory, timeout=0.3)


@pytest.mark.asyncio
@pytest.mark.parametrize("charset", [b"punycode", b"utf-7", b"hex", b"no-such", b"idna", b"\xff"])
async def test_the_declared_charset_decides_nothing(server, factory, charset):
    server.pieces = with_length('{"a": "ä"}'.encode(), b"Content-Type: application/json; charset=" + charset)

    assert await ask(factory) == {"a": "ä"}


@pytest.mark.asyncio
async def test_an_outage_is_one_in_whatever_bytes_it_is_worded(server, factory):
    server.pieces = [b"HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\n\xff\xfe\xfd\xfc"]

    with pytest.raises(VestServerError):
        await ask(factory)


@pytest.mark.asyncio
@pytest.mark.parametrize("body", [b"\xff\xfe", b'{"listenKey": "' + LISTEN_KEY.encode() + b'\xff"}',
                                  b'{"listenKey": "' + LISTEN_KEY.encode() + b'"'])
async def test_an_answer_that_cannot_be_read_is_not_quoted(server, factory, body):
    server.pieces = with_length(body)

    with pytest.raises(VestUnreadableAnswerError) as failure:
        await ask(factory)

    assert LISTEN_KEY not in all_words(failure.value)


@pytest.mark.asyncio
async def test_cookies_are_not_kept(server, factory):
    for number in range(5):
        server.pieces = with_length(b"{}", b"Connection: close", b"Set-Cookie: a%d=%s" % (number, b"x" * 4000))
        await ask(factory)

    assert len((await factory._connections_factory.get_rest_connection())._session().cookie_jar) == 0


@pytest.mark.asyncio
async def test_requests_can_be_shown_without_their_secrets():
    request = VestRESTRequest(
        RESTMethod.POST, url="http://venue/v2/orders", data='{"signature": "0xabc"}',
        headers={"X-API-KEY": API_KEY},
    )

    assert repr(request) == "VestRESTRequest(POST http://venue/v2/orders)"


# --- Sockets


def keeper(factory, **timing):
    return SocketKeeper("test stream", factory, short_timing(**timing), logging.getLogger("vest-hostile-test"))


@pytest.mark.asyncio
async def test_a_refused_handshake_carries_no_listen_key_in_its_causes(server, factory):
    server.pieces = [b"HTTP/1.1 401 No\r\nContent-Length: 100\r\n\r\n", b"you sent " + LISTEN_KEY.encode()]

    with pytest.raises(VestSocketError) as failure:
        await keeper(factory).connect(web_utils.private_ws_url(LISTEN_KEY, CONSTANTS.SIMULATOR_DOMAIN))

    assert LISTEN_KEY not in all_words(failure.value)


async def fragments_without_end(socket):
    await socket._writer.send_frame(b"[", 0x01 & 0x0F)
    while True:
        await socket._writer.send_frame(b" " * MEBIBYTE, 0x00)


async def a_huge_frame(socket):
    await socket.send_str("[" + " " * 64 * MEBIBYTE)


async def pings_without_end(socket):
    while True:
        await socket.ping(b"x" * 100)


async def no_frames(socket):
    socket._req.transport.write(b"\xff" * 10_000)
    await asyncio.sleep(60)


@pytest.mark.asyncio
@pytest.mark.parametrize("horror", [fragments_without_end, a_huge_frame, no_frames])
async def test_c23_a_socket_without_measure_ends_and_the_next_one_is_heard(monkeypatch, factory, horror, caplog):
    horrors = [horror]

    async def serve(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if horrors:
            with suppress(ConnectionError):
                await horrors.pop()(socket)
        else:
            await socket.send_str('{"channel": "tickers", "data": []}')
            await socket.receive()
        return socket

    heard = []
    async with websocket_server(monkeypatch, serve):
        socket_keeper = keeper(factory)
        async with asyncio.timeout(30):
            while not heard:
                socket = await socket_keeper.open(_public_url)
                reading = asyncio.create_task(
                    socket_keeper.read(socket, lambda message, _: (heard.append(message), socket.fail("enough")))
                )
                await reading
                await socket.disconnect()

    assert heard[0].channel == "tickers"
    assert len(caplog.records) < 10 and all(len(record.getMessage()) < 500 for record in caplog.records)


@pytest.mark.asyncio
async def test_b10_pings_without_end_are_no_sign_of_life(monkeypatch, factory):
    async def serve(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        with suppress(ConnectionError):
            await pings_without_end(socket)
        return socket

    async with websocket_server(monkeypatch, serve):
        # So long that a busy machine is not taken for one that was asleep.
        socket_keeper = keeper(factory, ping_interval_s=0.5, silence_limit_s=1)
        socket = await socket_keeper.open(_public_url)
        async with asyncio.timeout(30):  # the silence is noticed although the socket never rests
            await socket_keeper.read(socket, lambda *_: None)
        await socket.disconnect()


@pytest.mark.asyncio
async def test_c22_a_connection_whose_other_side_reads_nothing_is_closed_all_the_same(monkeypatch, factory):
    ended = asyncio.Event()

    async def serve(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        request.transport.pause_reading()
        try:
            while True:  # what is not read does not tell of the end; what is written does
                await socket.ping()
                await asyncio.sleep(0.01)
        finally:
            ended.set()

    async with websocket_server(monkeypatch, serve):
        socket = await keeper(factory).open(_public_url)
        with pytest.raises(VestSocketError, match="could not be sent"):
            while True:
                await socket.request("SUBSCRIBE", ["x" * 4 * MEBIBYTE])
        await socket.disconnect()
        async with asyncio.timeout(30):
            await ended.wait()


async def _public_url():
    return web_utils.public_ws_url(CONSTANTS.SIMULATOR_DOMAIN)


@asynccontextmanager
async def websocket_server(monkeypatch, serve):
    application = web.Application()
    application.router.add_get("/ws-api", serve)
    async with TestServer(application, handler_cancellation=True, shutdown_timeout=0.1) as server:
        monkeypatch.setenv(CONSTANTS.SIMULATOR_URL_VARIABLE, f"http://127.0.0.1:{server.port}")
        yield


# --- TLS


def self_signed(folder):
    """TLS settings of a server whose certificate nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(file)
    return settings


@pytest.mark.asyncio
async def test_a_certificate_nobody_vouches_for_is_refused_by_requests_and_sockets(monkeypatch, tmp_path, factory):
    served = []

    async def serve(request):
        served.append(request)
        return web.json_response({})

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", serve)
    server = TestServer(application, scheme="https")
    await server.start_server(ssl=self_signed(tmp_path))
    try:
        monkeypatch.setenv(CONSTANTS.SIMULATOR_URL_VARIABLE, f"https://127.0.0.1:{server.port}")
        with pytest.raises(VestNotSentError):
            await ask(factory)
        assert (await _public_url()).startswith("wss://")
        with pytest.raises(VestSocketError, match="cannot be reached"):
            await keeper(factory).connect(await _public_url())
    finally:
        await server.close()

    assert served == []


def test_tls_verification_is_never_off():
    """Neither an argument nor a context that does not verify, in anything that is laid over Hummingbot."""
    root = Path(__file__).parents[5]
    files = [file for name in ("hummingbot", "scripts", "controllers") for file in (root / name).rglob("*.py")]
    suspicious = re.compile(
        r"verify(_ssl|_mode)?\s*=\s*(False|0)|ssl\s*=\s*False|check_hostname|CERT_NONE|_create_unverified|"
        r"ssl_context\s*=|TCPConnector\("
    )

    assert len(files) > 20
    assert [file.name for file in files if suspicious.search(file.read_text())] == []
    assert all(url.startswith("https://") for name, url in CONSTANTS.REST_URLS.items() if "simulator" not in name)
    assert all(url.startswith("wss://") for name, url in CONSTANTS.WSS_URLS.items() if "simulator" not in name)
