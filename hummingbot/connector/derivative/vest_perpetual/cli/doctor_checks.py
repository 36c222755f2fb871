"""What `doctor` checks, in order: each check is a coroutine function that gives one `Finding`.

None of them changes anything at the venue. The one request that is signed cancels an order that cannot exist: the
venue looks at the signature first and then finds nothing to cancel (protocol sections 3 and 5). The listen key is
asked for, which extends the one that bots on the account share; it is never deleted (design decision 9).
"""
import asyncio
import socket
import ssl
import time
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Awaitable, Callable, List, Optional, Tuple
from urllib.parse import urlsplit

from hummingbot.connector.derivative.vest_perpetual import (
    vest_perpetual_constants as CONSTANTS,
    vest_perpetual_web_utils as web_utils,
    vest_perpetual_wire as wire,
)
from hummingbot.connector.derivative.vest_perpetual.cli import output
from hummingbot.connector.derivative.vest_perpetual.cli.doctor_permissions import others_may
from hummingbot.connector.derivative.vest_perpetual.cli.keys import Keys
from hummingbot.connector.derivative.vest_perpetual.cli.sockets import connection
from hummingbot.connector.derivative.vest_perpetual.cli.venue import Venue
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_account_reader import read_account
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import (
    VestNotSentError,
    VestOrderNotFoundError,
    VestRefusedError,
    VestUnauthorizedError,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_registration import (
    EXPIRES_SOON_MS,
    RegistrationNote,
    expiry_ms,
    renewal_command,
)
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_socket import VestSocketError

UNUSUAL_SKEW_S = 2.0
HARMFUL_SKEW_S = 300.0  # certificates, candles and the warnings of the expiry go wrong
WRONG_GROUP_CODE = 1146
WRONG_SIGNATURE_CODE = 1022


class Verdict(str, Enum):
    """What a check came to. SKIPPED: not reached, because one before it failed."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """What a check found.

    :ivar words: what is so
    :ivar remedy: what to do about it; empty when nothing is to be done
    """

    verdict: Verdict
    words: str
    remedy: str = ""


def ok(words: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, words)


def warn(words: str, remedy: str) -> Finding:
    """It works, but somebody should look at it."""
    return Finding(Verdict.WARN, words, remedy)


def fail(words: str, remedy: str) -> Finding:
    """It does not work until somebody has done something."""
    return Finding(Verdict.FAIL, words, remedy)


@dataclass
class Examination:
    """What the checks of one run know of each other.

    :param venue: with the keys, if there are any that can be keys
    :param keys: None when there are none
    :param keys_problem: why there are none
    :param data_folder: Hummingbot's
    :param private_paths: files and folders that are nobody else's business
    """

    venue: Venue
    keys: Optional[Keys]
    keys_problem: str
    data_folder: Path
    private_paths: Tuple[Path, ...]
    account_address: str = field(default="", init=False)
    group_refusal: Optional[VestUnauthorizedError] = field(default=None, init=False)
    listen_key: str = field(default="", init=False, repr=False)

    @property
    def domain(self) -> str:
        """The one that is examined."""
        return self.venue.domain


@dataclass(frozen=True)
class Check:
    """One line of the report.

    :ivar name: for programs
    :ivar needs: names of the checks that must not have failed
    :ivar timeout_s: how long it may take
    """

    name: str
    title: str
    run: Callable[[Examination], Awaitable[Finding]]
    needs: Tuple[str, ...] = ()
    timeout_s: float = 15.0


# --- The network and the venue


async def network(examination: Examination) -> Finding:
    """Names, TCP and TLS of both hosts."""
    addresses = (web_utils.public_rest_url("", examination.domain), web_utils.public_ws_url(examination.domain))
    for url in dict.fromkeys(urlsplit(address)._replace(path="", query="").geturl() for address in addresses):
        problem = await _connection_problem(url)
        if problem is not None:
            return problem
    names = " and ".join(dict.fromkeys(urlsplit(address).netloc for address in addresses))
    return ok(f"{names} can be reached")


async def _connection_problem(url: str) -> Optional[Finding]:
    parts = urlsplit(url)
    is_secure = parts.scheme in ("https", "wss")
    port = parts.port or (443 if is_secure else 80)
    try:
        _, writer = await asyncio.open_connection(parts.hostname, port, ssl=True if is_secure else None)
    except socket.gaierror:
        return fail(f"the name {parts.hostname} cannot be looked up",
                    "check the internet connection, and the name server (DNS) of this computer")
    except ssl.SSLCertVerificationError as error:
        return fail(f"the certificate of {parts.hostname} is not accepted ({error.verify_message})",
                    "check this computer's date; if it is right, something on the way (a proxy, a virus scanner) "
                    "answers instead of the venue")
    except ssl.SSLError as error:
        return fail(f"no secure connection to {parts.hostname} ({error.reason})",
                    "look for a proxy or firewall on the way that speaks TLS itself")
    except OSError as error:
        return fail(f"no connection to {parts.hostname}:{port} ({error.strerror or type(error).__name__})",
                    _unreachable_remedy(parts.hostname))
    writer.close()
    return None


def _unreachable_remedy(host: Optional[str]) -> str:
    if host in ("127.0.0.1", "localhost"):
        return "start the simulator: python -m vest_simulator, or make simulator"
    return "check the internet connection and firewalls; if both are right, the venue is down: try again later"


async def clock(examination: Examination) -> Finding:
    """This computer's clock against the venue's, as the `Date` header tells it."""
    venue = examination.venue
    await venue.learn_time()
    uncertainty_ms = venue.clock.uncertainty_ms
    if uncertainty_ms is None:
        return warn("the venue does not tell its time (no Date header), so this computer's clock is believed",
                    "make sure that it is set by the network: timedatectl set-ntp true")
    skew_s = time.time() - venue.clock.now_ms() / 1000
    direction = "ahead of" if skew_s > 0 else "behind"
    words = f"{abs(skew_s):.1f} s {direction} the venue's (± {uncertainty_ms / 1000:.1f} s)"
    if abs(skew_s) - uncertainty_ms / 1000 <= UNUSUAL_SKEW_S:
        return ok(f"this computer's clock is right ({words})")
    remedy = "let the network set it: timedatectl set-ntp true, or the date settings of your system"
    if abs(skew_s) > HARMFUL_SKEW_S:
        return fail(f"this computer's clock is {words}", remedy)
    return warn(f"this computer's clock is {words}; the connector makes up for it, other programs do not", remedy)


async def venue_status(examination: Examination) -> Finding:
    """The markets, and whether they trade."""
    markets = await examination.venue.markets()
    tickers, _ = wire.tickers_from(await examination.venue.ask(CONSTANTS.TICKER_LATEST_PATH))
    if not markets.symbol_map:
        return fail("the venue lists no market that can be traded",
                    "try again later; if it stays so, look for a newer connector")
    halted = sorted(ticker.symbol for ticker in tickers if ticker.status == CONSTANTS.STATUS_HALT)
    words = f"{len(markets.symbol_map)} markets, {len(tickers)} prices"
    if not tickers or len(halted) == len(tickers):
        return warn(f"{words}, but nothing trades now", "wait: the venue is in maintenance, or its prices are stale")
    closed = f"; closed now: {', '.join(halted[:5])}{' and more' if len(halted) > 5 else ''}" if halted else ""
    return ok(words + closed)


# --- The keys


async def keys(examination: Examination) -> Finding:
    """Whether the three values can be what they should be."""
    if examination.keys is None:
        words, _, remedy = examination.keys_problem.rpartition("; ")
        return fail(words or remedy, remedy if words else f"make new ones: {renewal_command(examination.domain)}")
    return ok(f"API key, signing key and account group {examination.keys.account_group} have the right form")


async def registration(examination: Examination) -> Finding:
    """Whether the venue knows the API key, and until when."""
    try:
        payload = await examination.venue.ask(CONSTANTS.ACCOUNT_PATH, is_auth_required=True)
    except VestUnauthorizedError as error:
        if error.code == WRONG_GROUP_CODE:
            examination.group_refusal = error
            return Finding(Verdict.SKIPPED, "not judged by the venue, because it refused the account group first")
        return fail(_words(error), f"register again: {renewal_command(examination.domain)}")
    examination.account_address = read_account(payload).account.address or ""
    return _expiry(examination)


def _expiry(examination: Examination) -> Finding:
    venue = examination.venue
    ends_ms = expiry_ms(venue.auth, examination.data_folder, examination.domain)
    accepted = "the venue accepts the API key"
    renewal = f"renew it: {renewal_command(examination.domain)}"
    if ends_ms is None:
        return ok(f"{accepted}; until when is not known here (it was registered elsewhere)")
    left_ms = ends_ms - venue.clock.now_ms()
    if left_ms <= 0:
        return warn(f"{accepted}, but it should have expired at {output.utc(ends_ms)}", renewal)
    words = f"{accepted} until {output.utc(ends_ms)}, for {output.span(left_ms)}"
    return ok(words) if left_ms > EXPIRES_SOON_MS else warn(words, renewal)


async def own_key(examination: Examination) -> Finding:
    """Whether the signing key is one, and not the wallet's."""
    signing_address = examination.venue.auth.signing_address.lower()
    if not examination.account_address:
        return warn("the venue does not tell the account's wallet, so it cannot be compared",
                    "make sure yourself that the signing key is not your wallet's key")
    if signing_address == examination.account_address.lower():
        return fail("the signing key is the key of your wallet: whoever gets hold of it has all that the wallet owns",
                    f"take it out (connect again) and make a key for signing alone: "
                    f"{renewal_command(examination.domain)}")
    return ok("the signing key is not the wallet's")


async def signature(examination: Examination) -> Finding:
    """Whether the venue accepts signatures of the signing key: it is asked to cancel an order that cannot exist.

    Its answer "no such order" (3017) comes after the signature was accepted, "invalid signature" (1022) before it.
    """
    try:
        refusal = await examination.venue.try_signature()
    except VestUnauthorizedError as error:
        if error.code != WRONG_SIGNATURE_CODE:
            raise
        return fail(_words(error), "enter the signing key that belongs to this API key, or register again: "
                    + renewal_command(examination.domain))
    except VestRefusedError as error:
        refusal = error
    if isinstance(refusal, VestOrderNotFoundError):
        return ok("the venue accepts it (it was asked to cancel an order that does not exist, and found none)")
    why = ("the venue did not say: it took the cancellation of an order that does not exist" if refusal is None else
           f"the venue refused for another reason, so it did not say ({_words(refusal)})")
    return warn(why, "try the smallest order there is before you rely on it")


async def account_group(examination: Examination) -> Finding:
    """Whether the requests go to the server that has the account."""
    group = examination.venue.auth.account_group
    note = RegistrationNote.read(
        examination.data_folder, examination.domain, examination.venue.auth.signing_address)
    field_name = f"{examination.domain}_account_group"
    remedy = f"enter accGroup of the registration as {field_name} (connect {examination.domain})"
    if note is not None and note.account_group != group:
        return fail(f"it is {group}, but this key was registered for group {note.account_group}",
                    f"enter {note.account_group} as {field_name} (connect {examination.domain})")
    if examination.group_refusal is not None:
        return fail(f"it is {group}, which the venue does not accept for this key", remedy)
    return ok(f"{web_utils.server_name(group)} has the account")


# --- Events of the account


async def listen_key(examination: Examination) -> Finding:
    """Whether there is a listen key; the live one is extended, and stays for the bots that share it."""
    examination.listen_key = await examination.venue.listen_key()
    return ok("the venue gives one (bots on this account share it; it was left alive)")


async def private_socket(examination: Examination) -> Finding:
    """Whether events of the account would arrive."""
    venue = examination.venue
    url = web_utils.private_ws_url(examination.listen_key, venue.domain, venue.auth.account_group)
    try:
        async with connection("private socket", venue.api_factory, url) as private:
            await private.subscribe([CONSTANTS.ACCOUNT_PRIVATE_CHANNEL])
            await private.ping()
    except VestSocketError as error:
        return fail(str(error), "try again in a minute; if it stays so, look for a proxy that does not let WebSockets "
                                "through")
    return ok("connected, subscribed, and PING was answered")


# --- This computer


async def permissions(examination: Examination) -> Finding:
    """Whether others on this computer can read or change keys and records."""
    writable, readable = others_may(examination.private_paths)
    if writable:
        return fail(f"others on this computer can change {_few(writable)}", f"run: chmod go-rwx {_few(writable, ' ')}")
    if readable:
        return warn(f"others on this computer can read {_few(readable)}", f"run: chmod go-rwx {_few(readable, ' ')}")
    return ok("keys, password and records are for you alone")


def _few(paths: List[Path], separator: str = ", ") -> str:
    return separator.join(map(str, paths))


def _words(error: VestRefusedError) -> str:
    """What the venue said, without the advice of a running connector, since a check has its own."""
    return str(error).partition("; ")[0]


CHECKS: Tuple[Check, ...] = (
    Check("network", "network", network),
    Check("clock", "clock", clock, needs=("network",)),
    Check("venue", "venue", venue_status, needs=("network",)),
    Check("keys", "key format", keys),
    Check("registration", "registration", registration, needs=("network", "keys")),
    Check("account_group", "account group", account_group, needs=("network", "keys", "registration")),
    Check("own_key", "key of its own", own_key, needs=("registration", "account_group")),
    Check("signature", "signature", signature, needs=("registration", "account_group", "own_key")),
    Check("listen_key", "listen key", listen_key, needs=("registration", "account_group")),
    Check("private_socket", "private socket", private_socket, needs=("listen_key",), timeout_s=30.0),
    Check("permissions", "permissions", permissions),
)


def of_error(error: Exception, domain: str) -> Finding:
    """What a request that failed means to the user.

    :param error: of the venue or of a socket
    """
    if isinstance(error, VestNotSentError):
        return fail(str(error).partition("; ")[0],
                    _unreachable_remedy(urlsplit(web_utils.public_rest_url("", domain)).hostname))
    if isinstance(error, VestUnauthorizedError):
        return fail(_words(error), f"register again: {renewal_command(domain)}")
    words, _, remedy = str(error).partition("; ")
    return fail(words, remedy or "try again in a minute")
