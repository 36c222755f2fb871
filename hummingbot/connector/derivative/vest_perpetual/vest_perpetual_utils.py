"""What the client asks of a connector before it makes one: keys, fees, domains; and the names of markets.

The client imports this with every command, while it starts: keep it light, and import none of the client's settings.
"""
import re
from decimal import Decimal
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Dict, Iterable, Mapping, Optional, Type

from bidict import bidict
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, create_model
from pydantic_core import PydanticCustomError
from typing_extensions import Annotated

from hummingbot.client.config.config_data_types import BaseConnectorConfigMap
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_credentials import (
    api_key_problem,
    exchanged_problem,
    is_encrypted,
    pasted,
    private_key_problem,
)
from hummingbot.core.data_type.trade_fee import TradeFeeSchema

CENTRALIZED = True
EXAMPLE_PAIR = "BTC-USDC"

# The venue's documents charge one basis point on every order: none is ever a maker order (protocol section 5). These
# are estimates; what was really charged comes with each fill.
DEFAULT_FEES = TradeFeeSchema(
    maker_percent_fee_decimal=Decimal("0.0001"),
    taker_percent_fee_decimal=Decimal("0.0001"),
    buy_percent_fee_deducted_from_returns=False,
)


# --- Keys


def account_group_from(value: Any) -> int:
    """The account group as a number; blank is group 0, which is a group like any other (framework gap B21).

    :param value: what the user typed, a number, or None for blank
    :raises ValueError: when it is no whole number of 0 or more
    """
    text = "" if value is None else pasted(str(value))
    if text and not (text.isascii() and text.isdigit()):
        raise ValueError("the account group is a whole number such as 0, as the registration answered it (accGroup)")
    return int(text or 0)


class _Unshown(str):
    """A text that formatting does not show, and that is itself everywhere else."""

    def __format__(self, format_spec: str) -> str:
        return format("*" * 10, format_spec)

    def __repr__(self) -> str:
        return repr(format(self))


class _UnshownSecret(SecretStr):
    """A secret that the client cannot show by accident: its question whether to replace the keys has the API key in it
    (acceptance A1).
    """

    def get_secret_value(self) -> str:
        return _Unshown(super().get_secret_value())


def _unshown(secret: SecretStr) -> SecretStr:
    return _UnshownSecret(secret.get_secret_value())


_Secret = Annotated[SecretStr, AfterValidator(_unshown)]
_AccountGroup = Annotated[int, BeforeValidator(account_group_from)]


class VestConnectKeys:
    """The keys of one domain, beside the fields of its config map. What is entered is checked at once: the client asks
    again for what cannot be right.

    What is stored is not checked: the client validates it while it is still encrypted, and whatever it then finds in
    there must not keep the user from logging in (framework gap B22). The connector checks its keys when it uses them.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        """:raises ValidationError: for a key that cannot be one; it does not hold what was entered"""
        problem = None if self._is_decryption_of(name) else self._problem_of_entry(name, value)
        if problem is not None:
            raise ValidationError.from_exception_data(
                type(self).__name__, [{"type": PydanticCustomError("key", problem), "loc": (name,), "input": None}]
            )
        super().__setattr__(name, value)

    def _is_decryption_of(self, name: str) -> bool:
        stored = vars(self).get(name)
        return isinstance(stored, SecretStr) and is_encrypted(stored.get_secret_value())

    def _problem_of_entry(self, name: str, value: Any) -> Optional[str]:
        api_key_name, private_key_name = f"{self.connector}_api_key", f"{self.connector}_signing_private_key"
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if name == api_key_name:
            return api_key_problem(text, name)
        if name == private_key_name:
            api_key = vars(self).get(api_key_name, SecretStr(""))
            return private_key_problem(text, name) or exchanged_problem(api_key.get_secret_value(), text)
        return None


def _connect_key(prompt: str, is_secure: bool) -> Any:
    return Field(
        default=...,
        json_schema_extra={"prompt": prompt, "is_secure": is_secure, "is_connect_key": True, "prompt_on_new": True},
    )


def _config_map(class_name: str, domain: str, venue: str) -> Type[BaseConnectorConfigMap]:
    """The three values of one domain, with the questions the client asks for them: short ones, because in a terminal of
    80 columns it has 36 for a line of them, and it breaks words.
    """
    fields: Dict[str, Any] = {
        "connector": (str, domain),
        f"{domain}_api_key": (
            _Secret,
            _connect_key(
                f"Enter your {venue} API key (the apiKey of the registration, which vest-perpetual register makes)",
                is_secure=True,
            ),
        ),
        f"{domain}_signing_private_key": (
            _Secret,
            _connect_key(
                f"Enter the private key of your {venue} signing key (the one you registered; NEVER your wallet's key)",
                is_secure=True,
            ),
        ),
        f"{domain}_account_group": (
            _AccountGroup,
            _connect_key(
                f"Enter your {venue} account group (the accGroup of the registration; blank is 0)", is_secure=False
            ),
        ),
    }
    # Every command of the client imports these and few enter keys: pydantic makes its validators when the first needs
    # them, which is half of what the classes cost.
    settings = {"title": domain, "defer_build": True}
    bases = (VestConnectKeys, BaseConnectorConfigMap)
    return create_model(class_name, __base__=bases, __module__=__name__, __cls_kwargs__=settings, **fields)


VestPerpetualConfigMap = _config_map("VestPerpetualConfigMap", CONSTANTS.DEFAULT_DOMAIN, "Vest")
VestPerpetualTestnetConfigMap = _config_map(
    "VestPerpetualTestnetConfigMap", CONSTANTS.TESTNET_DOMAIN, "Vest development server"
)
VestPerpetualSimulatorConfigMap = _config_map(
    "VestPerpetualSimulatorConfigMap", CONSTANTS.SIMULATOR_DOMAIN, "Vest simulator"
)

KEYS = VestPerpetualConfigMap.model_construct()

OTHER_DOMAINS = [CONSTANTS.TESTNET_DOMAIN, CONSTANTS.SIMULATOR_DOMAIN]
OTHER_DOMAINS_PARAMETER = {domain: domain for domain in OTHER_DOMAINS}
OTHER_DOMAINS_EXAMPLE_PAIR = {domain: EXAMPLE_PAIR for domain in OTHER_DOMAINS}
OTHER_DOMAINS_DEFAULT_FEES = {domain: DEFAULT_FEES for domain in OTHER_DOMAINS}
OTHER_DOMAINS_KEYS = {
    CONSTANTS.TESTNET_DOMAIN: VestPerpetualTestnetConfigMap.model_construct(),
    CONSTANTS.SIMULATOR_DOMAIN: VestPerpetualSimulatorConfigMap.model_construct(),
}


# --- Names of markets (protocol section 2, design decision 7)

# The two forms of the venue's symbols: kBONK-PERP for coins, AAPL-USD-PERP for the rest.
_SYMBOL = r"(?P<base>[A-Za-z0-9._]+)(?P<is_usd>-USD)?-PERP"
# For conversions before the venue's list of symbols is there. Tickers of both kinds are told apart as when both exist.
_NON_CRYPTO_TICKERS = frozenset({
    "AAPL", "AMZN", "COIN", "GOOG", "GOOGL", "HOOD", "META", "MSFT", "MSTR", "NVDA", "TSLA",  # equities
    "DJI", "NDX", "QQQ", "SPY",  # indices and their funds
    "AUD", "CAD", "CHF", "EUR", "GBP", "JPY", "NZD",  # forex
    "XAG", "XAU",  # metals
})
_TICKERS_OF_BOTH_KINDS = ("SPX-PERP", "SPX-USD-PERP")
_MIXED_CASE_SYMBOLS = ("kBONK-PERP",)


def trading_pairs_by_symbol(
        symbols: Iterable[str], known: Optional[Mapping[str, str]] = None
) -> "bidict[str, str]":
    """The trading pair of each symbol, independent of the order of the symbols.

    When two symbols want one pair, the `{COIN}-PERP` one has it and the other one's base gets "USD" appended, as in
    `SPXUSD-USDC`. Symbols of neither form, and those whose pair is taken even so, are left out; the caller sees which
    by what is missing.

    :param symbols: the venue's symbols
    :param known: an earlier result; it is part of the new one, so that no pair ever changes its symbol
    """
    pairs = bidict(known or {})
    matches = [match for symbol in symbols if (match := re.fullmatch(_SYMBOL, symbol)) and symbol not in pairs]
    for match in sorted(matches, key=lambda found: (bool(found["is_usd"]), found.string)):
        bases = [match["base"], match["base"] + "USD"] if match["is_usd"] else [match["base"]]
        wanted = (_trading_pair(base) for base in bases)
        free = next((pair for pair in wanted if pair not in pairs.inverse), None)
        if free is not None:
            pairs[match.string] = free
    return pairs


def _trading_pair(base: str) -> str:
    return f"{base.upper()}-{CONSTANTS.COLLATERAL_TOKEN}"


@cache
def _expected_pairs() -> "bidict[str, str]":
    return trading_pairs_by_symbol([
        *_TICKERS_OF_BOTH_KINDS, *_MIXED_CASE_SYMBOLS, *(f"{ticker}-USD-PERP" for ticker in _NON_CRYPTO_TICKERS)
    ])


def convert_to_exchange_trading_pair(trading_pair: str, known: Optional[Mapping[str, str]] = None) -> str:
    """The venue's symbol of a trading pair: "BTC-USDC" gives "BTC-PERP", "AAPL-USDC" gives "AAPL-USD-PERP".

    :param trading_pair: as Hummingbot has it, in any case
    :param known: trading pairs by symbol, as `trading_pairs_by_symbol` gives them; without it the usual form is assumed
    :raises ValueError: when the venue has no such market
    """
    pair = trading_pair.upper()
    symbols = bidict(_expected_pairs() if known is None else known).inverse
    base, separator, quote = pair.rpartition("-")
    symbol = symbols.get(pair)
    if symbol is None and known is None and separator and quote == CONSTANTS.COLLATERAL_TOKEN:
        symbol = f"{base}-PERP"
    if symbol is None or not re.fullmatch(_SYMBOL, symbol):
        raise ValueError(f"Vest has no market {trading_pair}; its trading pairs look like {EXAMPLE_PAIR}")
    return symbol


def convert_from_exchange_trading_pair(symbol: str, known: Optional[Mapping[str, str]] = None) -> str:
    """The trading pair of a symbol of the venue: "kBONK-PERP" gives "KBONK-USDC".

    :param symbol: exactly as the venue writes it
    :param known: trading pairs by symbol, as `trading_pairs_by_symbol` gives them; without it the usual form is assumed
    :raises ValueError: when the symbol has no trading pair
    """
    pairs = trading_pairs_by_symbol([symbol], _expected_pairs()) if known is None else known
    if symbol not in pairs:
        raise ValueError(f"{symbol} is no symbol of a Vest market that can be traded here")
    return pairs[symbol]


# --- Candles and rates, which put themselves into Hummingbot's maps when they are imported (design decision 16). At the
# end, because they import this module; and only what is installed: the connector's folder alone is a connector too.
for _module in (
        "hummingbot.data_feed.candles_feed.vest_perpetual_candles",
        "hummingbot.core.rate_oracle.sources.vest_perpetual_rate_source",
):
    if find_spec(_module) is not None:
        import_module(_module)
