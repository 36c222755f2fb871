"""Symbols as the exchange lists them."""
from dataclasses import dataclass
from decimal import Decimal
from typing import Dict, Tuple


@dataclass(frozen=True)
class SymbolSpec:
    """One listed perpetual. Ratios and fees are decimal fractions, prices and amounts are in USDC.

    :param size_decimals: size step and minimum size are 10^-size_decimals (protocol section 4)
    :param min_tick_size: the price tick, when it is coarser than 10^-price_decimals; published by newer servers only
    :param volatility_ppm: largest step of the index in one tick, in millionths of the price
    :param oi_cap: largest open interest of a side, in USDC
    """

    symbol: str
    base: str
    start_price: Decimal
    size_decimals: int
    price_decimals: int
    asset: str = "crypto"
    quote: str = "USDC"
    init_margin_ratio: Decimal = Decimal("0.02")
    maint_margin_ratio: Decimal = Decimal("0.01")
    taker_fee: Decimal = Decimal("0.0001")
    min_tick_size: Decimal = Decimal("0")
    volatility_ppm: int = 150
    funding_rate: Decimal = Decimal("0.0000125")
    level_notional: Decimal = Decimal("20000")
    oi_cap: Decimal = Decimal("50000000")

    @property
    def size_step(self) -> Decimal:
        """The smallest difference of sizes, in base."""
        return Decimal(1).scaleb(-self.size_decimals)

    @property
    def price_step(self) -> Decimal:
        """The smallest difference of prices, in USDC."""
        return Decimal(1).scaleb(-self.price_decimals)

    @property
    def max_leverage(self) -> int:
        """What the initial margin ratio allows, in whole numbers."""
        return int(1 / self.init_margin_ratio)

    @classmethod
    def from_dict(cls, values: Dict) -> "SymbolSpec":
        """Builds a spec from JSON values, decimals as strings. :raises ValueError: for unknown or missing fields"""
        annotations = cls.__annotations__
        unknown = set(values) - set(annotations)
        if unknown:
            raise ValueError(f"Unknown fields of a symbol: {', '.join(sorted(unknown))}.")
        try:
            return cls(**{name: annotations[name](value) for name, value in values.items()})
        except TypeError as error:
            raise ValueError(str(error)) from error


def known_symbol(name: str) -> SymbolSpec:
    """The spec of one of the default symbols. :raises ValueError: when there is none of that name"""
    for spec in DEFAULT_SYMBOLS:
        if spec.symbol == name:
            return spec
    raise ValueError(f"unknown symbol {name}; known are {', '.join(spec.symbol for spec in DEFAULT_SYMBOLS)}")


DEFAULT_SYMBOLS: Tuple[SymbolSpec, ...] = (
    SymbolSpec("BTC-PERP", "BTC", Decimal("95000"), 4, 2),
    SymbolSpec("ETH-PERP", "ETH", Decimal("3200"), 3, 2),
    SymbolSpec("SOL-PERP", "SOL", Decimal("180"), 2, 3, volatility_ppm=250),
    SymbolSpec("kBONK-PERP", "kBONK", Decimal("0.024"), 0, 6, init_margin_ratio=Decimal("0.1"),
               maint_margin_ratio=Decimal("0.05"), volatility_ppm=400, level_notional=Decimal("5000")),
    SymbolSpec("AAPL-USD-PERP", "AAPL", Decimal("270"), 3, 2, asset="stock", init_margin_ratio=Decimal("0.05"),
               maint_margin_ratio=Decimal("0.025"), volatility_ppm=80),
    SymbolSpec("SPX-PERP", "SPX", Decimal("1.2"), 1, 4, init_margin_ratio=Decimal("0.1"),
               maint_margin_ratio=Decimal("0.05"), volatility_ppm=400, level_notional=Decimal("5000")),
    SymbolSpec("SPX-USD-PERP", "SPX", Decimal("6600"), 4, 2, asset="index", taker_fee=Decimal("0"),
               min_tick_size=Decimal("0.25"), volatility_ppm=60),
)
