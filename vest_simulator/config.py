"""What can be configured: the simulator itself, and every point on which the venue's behaviour is in doubt."""
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any, Dict, Literal, Optional, Tuple, Union, get_args, get_origin, get_type_hints

from vest_simulator.engine.specs import DEFAULT_SYMBOLS, SymbolSpec, known_symbol


@dataclass
class Switches:
    """One field per doubt of the protocol. The defaults are the documented form; tests run the other positions too."""

    # --- errors and REST bodies (protocol section 3)
    error_shape: Literal["flat", "detail", "detail_string", "flat_200"] = "flat"
    """flat: {"code", "msg"}; detail: {"detail": {…}}; detail_string: {"detail": "msg"}; flat_200: flat, status 200."""
    reject_by: Literal["event", "http"] = "event"
    """Where the order engine's refusals (3xxx) appear: as a REJECTED order, or as the answer to the POST."""
    halted_market: Literal["order", "request"] = "order"
    """An order for a halted market is REJECTED with 3024 by the engine, or refused with 1148 at the door."""
    rest_compression: Literal["none", "brotli"] = "none"
    rate_limit_code: Literal["429", "1003"] = "429"
    retry_after: bool = False
    """Whether a 429 answer names the seconds to wait in a Retry-After header."""
    public_group_header: Literal["optional", "required"] = "optional"
    date_header: Literal["venue", "machine", "absent"] = "venue"
    """Whose clock the `Date` header tells: the venue's, or that of the machine (a proxy) which answers for it."""
    check_get_time: bool = True
    """Whether `time` of private GETs must be recent, like that of signed requests."""
    api_key_format: Literal["opaque", "jwt"] = "opaque"
    """A JWT carries its expiry in `exp`. Applies to keys issued after the change."""

    # --- WebSocket (protocol section 6)
    frame_encoding: Literal["text", "binary", "brotli"] = "text"
    subscribe_answer: Literal["result", "outcomes"] = "result"
    pong_case: Literal["PONG", "pong"] = "PONG"
    bad_channel_silences_list: bool = False
    """One refused name makes the server forget the whole list of that request, without any answer."""
    drop_silent_clients: bool = True
    """Whether sockets that send no PING for `SimulatorConfig.ping_timeout_s` are closed."""
    private_needs_subscribe: bool = True
    """Whether events come only after SUBSCRIBE to account_private."""
    envelope_time: bool = False
    """`tsMs` beside channel and data."""

    # --- market data (protocol sections 4 and 6)
    depth_time: bool = False
    """`ts_ms` beside the sides of GET /depth."""
    newer_exchange_info: bool = False
    """Adds asset, tradingStatus, makerFee, minTickSize, tickSizes, displaySymbol. Ticks coarser than the price decimals
    exist only then, for otherwise no client could know of them."""
    isolated_margin: bool = False
    """The value of `isolated` in exchangeInfo."""
    trade_id: Literal["int", "string"] = "int"
    trade_sign: Literal["unsigned", "negative_qty", "side"] = "unsigned"
    trades_frame: Literal["object", "list"] = "object"
    tickers: Literal["full", "partial"] = "full"
    """partial: a tickers frame holds only the symbols whose values changed, after the first."""

    # --- orders, fills, account (protocol section 5)
    fees: Literal["cumulative", "single"] = "cumulative"
    """`fees` of fill events: the order's total so far, or this fill's."""
    partial_fill_fields: Literal["null", "filled"] = "null"
    """Fill fields of PARTIALLY_FILLED orders in GET /orders."""
    orders_sequence: Literal["newest_first", "oldest_first"] = "newest_first"
    fill_parts: int = 1
    """Number of fills an order is cut into (as far as its size allows)."""
    fill_part_ticks: int = 0
    """Ticks between two parts; 0: all parts at once."""
    funding_settlement: Literal["on_fill", "hourly"] = "on_fill"
    """hourly settles at each full hour as well as on fills."""
    order_list_lag_ms: int = 0
    """For so long a new order is missing from GET /orders."""
    position_lag_ms: int = 0
    """For so long GET /account shows the position as it was before a fill."""
    withdrawable_present: bool = True
    empty_lists: Literal["empty", "absent"] = "empty"
    locked_balance: Literal["margin", "none"] = "margin"
    """`locked`: the initial margin of positions and open orders, or zero."""

    def __post_init__(self) -> None:
        for item in fields(self):
            self.set(item.name, getattr(self, item.name))

    @classmethod
    def choices(cls) -> Dict[str, Union[Tuple, type]]:
        """Returns for each switch the tuple of its positions, or its type when it is a number."""
        hints = get_type_hints(cls)
        return {f.name: cls._choice(hints[f.name]) for f in fields(cls)}

    @staticmethod
    def _choice(hint) -> Union[Tuple, type]:
        if get_origin(hint) is Literal:
            return get_args(hint)
        return (False, True) if hint is bool else hint

    def set(self, name: str, value: Any) -> None:
        """Sets one switch. :raises ValueError: when there is no such switch or it has no such position."""
        choices = self.choices()
        if name not in choices:
            raise ValueError(f"There is no switch {name!r}. Switches: {', '.join(sorted(choices))}.")
        choice = choices[name]
        if isinstance(choice, tuple):
            valid = value in choice and type(value) is type(choice[0])
        else:
            valid = type(value) is choice and value >= 0
        if not valid:
            allowed = choice if isinstance(choice, tuple) else f"an {choice.__name__} of 0 or more"
            raise ValueError(f"Switch {name} takes {allowed}, not {value!r}.")
        setattr(self, name, value)


@dataclass
class RateLimits:
    """The venue's limiter. No figures are published: the default is generous, tests make it strict.

    :param requests_per_minute: allowed REST requests per API key (or per address, when without a key) in any 60 s
    """

    requests_per_minute: int = 6000


@dataclass
class SimulatorConfig:
    """How a simulator is set up. Money is in USDC, ratios are decimal fractions."""

    host: str = "127.0.0.1"
    port: int = 0
    admin_port: int = 0
    seed: int = 1
    symbols: Optional[Tuple[Union[SymbolSpec, str], ...]] = None
    """Specs, or names of the default symbols; with a feed names of its symbols. None: all of them."""
    prices: Tuple[Union[Path, str], ...] = ()
    """Files of recorded prices; with them a feed tells the prices. Format: README."""
    start_ms: Optional[int] = None
    """The recorded time at which trading begins. None: with the recording."""
    speed: Decimal = Decimal(1)
    """Recorded seconds a second."""
    at_end: Literal["halt", "hold", "loop"] = "halt"
    """What happens at the end of the recording."""
    mirror: Optional[str] = None
    """A venue whose public feed tells the prices: "production", "testnet" or a URL."""
    state: Union[Path, str, None] = None
    """The file that keeps accounts, orders and keys over restarts."""
    balance: Decimal = Decimal("100000")
    accounts: int = 1
    first_account_group: int = 5
    tick_interval_s: float = 0.2
    clock_offset_ms: int = 0
    """How far the venue's clock is ahead of the machine's at the start; negative: behind."""
    journal_size: int = 20_000
    funding_rate_multiplier: Decimal = Decimal("1")
    premium_rate: Decimal = Decimal("0.00002")
    """The risk premium charged on top of the taker fee."""
    liquidation_penalty_rate: Decimal = Decimal("0.005")
    money_decimals: int = 6
    """Decimals of fees and funding amounts."""
    depth_levels: int = 25
    """Levels a side in depth frames; GET /depth has up to 40."""
    default_leverage: int = 10
    future_tolerance_ms: int = 2_000
    max_recv_window_ms: int = 60_000
    ping_timeout_s: float = 60.0
    listen_key_life_ms: int = 3_600_000
    limits: RateLimits = field(default_factory=RateLimits)
    switches: Switches = field(default_factory=Switches)

    def __post_init__(self) -> None:
        if self.prices and self.mirror:
            raise ValueError("prices come from a recording or from another venue, not from both")
        if self.is_fed:
            self.symbols = tuple(self.symbols or ())
            return
        self.symbols = DEFAULT_SYMBOLS if self.symbols is None else tuple(
            known_symbol(spec) if isinstance(spec, str) else spec for spec in self.symbols)

    @property
    def is_fed(self) -> bool:
        """Whether prices come from a feed instead of being made up."""
        return bool(self.prices or self.mirror)
