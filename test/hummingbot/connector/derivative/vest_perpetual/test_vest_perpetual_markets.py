"""Markets: pairs, rules and fees as the venue lists them, odd ones left out, names that last."""
import logging
from decimal import Decimal
from test.hummingbot.connector.derivative.vest_perpetual.derivative_testing import exchange_info, market

import pytest

from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_errors import VestPayloadError
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_markets import Markets


@pytest.fixture
def markets(caplog):
    caplog.set_level(logging.INFO)
    return Markets(logging.getLogger("test.markets"))


def said(caplog, level):
    return [record.getMessage() for record in caplog.records if record.levelno == level]


def test_a_market_has_a_pair_and_rules(markets):
    markets.update(exchange_info(market("BTC-PERP", sizeDecimals=4, priceDecimals=2)))

    assert dict(markets.symbol_map) == {"BTC-PERP": "BTC-USDC"}
    rule, = markets.trading_rules()
    assert rule.trading_pair == "BTC-USDC"
    assert rule.min_order_size == rule.min_base_amount_increment == Decimal("0.0001")
    assert rule.min_price_increment == Decimal("0.01")
    assert rule.buy_order_collateral_token == rule.sell_order_collateral_token == "USDC"
    assert rule.supports_limit_orders and rule.supports_market_orders
    assert rule.min_notional_size == 0


def test_the_tick_is_the_venues_when_it_says_one(markets):
    markets.update(exchange_info(market("NDX-USD-PERP", priceDecimals=2, minTickSize="0.25")))

    rule, = markets.trading_rules()
    assert (rule.trading_pair, rule.min_price_increment) == ("NDX-USDC", Decimal("0.25"))


def test_a05_a_market_that_cannot_be_read_is_said_once_and_hides_no_other(markets, caplog):
    odd = {"symbol": "ODD-PERP", "sizeDecimals": "many", "priceDecimals": 2}

    for _ in range(3):
        markets.update(exchange_info(odd, market("BTC-PERP"), "no object"))

    assert [rule.trading_pair for rule in markets.trading_rules()] == ["BTC-USDC"]
    assert said(caplog, logging.ERROR) == [
        "A market of Vest cannot be read and is left out: exchangeInfo.symbols.sizeDecimals: not a decimal number",
        "A market of Vest cannot be read and is left out: exchangeInfo.symbols: not a JSON object",
    ]


def test_a05_a_market_whose_name_has_no_pair_is_said_once(markets, caplog):
    for _ in range(2):
        markets.update(exchange_info(market("NQ PERP"), market("BTC-PERP")))

    assert [rule.trading_pair for rule in markets.trading_rules()] == ["BTC-USDC"]
    assert said(caplog, logging.INFO) == ["Vest's market NQ PERP has no trading pair in Hummingbot and is left out."]


def test_ordinary_markets_are_not_spoken_of(markets, caplog):
    markets.update(exchange_info(market("BTC-PERP"), market("kBONK-PERP"), market("AAPL-USD-PERP")))

    assert set(markets.symbol_map.values()) == {"BTC-USDC", "KBONK-USDC", "AAPL-USDC"}
    assert caplog.records == []


def test_of_two_markets_that_want_one_pair_both_get_one_and_it_is_said(markets, caplog):
    markets.update(exchange_info(market("SPX-USD-PERP"), market("SPX-PERP")))

    assert dict(markets.symbol_map) == {"SPX-PERP": "SPX-USDC", "SPX-USD-PERP": "SPXUSD-USDC"}
    assert said(caplog, logging.INFO) == [
        "Vest's market SPX-USD-PERP is the trading pair SPXUSD-USDC in Hummingbot."
    ]


def test_c31_no_pair_ever_changes_its_symbol(markets):
    markets.update(exchange_info(market("SPX-USD-PERP")))
    markets.update(exchange_info(market("SPX-USD-PERP"), market("SPX-PERP")))

    assert markets.symbol_map["SPX-USD-PERP"] == "SPX-USDC"
    assert "SPX-PERP" not in markets.symbol_map


def test_c31_rules_follow_the_venue(markets):
    markets.update(exchange_info(market("BTC-PERP", sizeDecimals=4), market("ETH-PERP")))
    markets.update(exchange_info(market("BTC-PERP", sizeDecimals=3), market("SOL-PERP")))

    rules = {rule.trading_pair: rule for rule in markets.trading_rules()}
    assert set(rules) == {"BTC-USDC", "SOL-USDC"}
    assert rules["BTC-USDC"].min_order_size == Decimal("0.001")
    assert markets.get("ETH-PERP") is None
    assert markets.symbol_map["ETH-PERP"] == "ETH-USDC"  # what was said of it before can still be understood
    assert markets.get("BTC-PERP").size_decimals == 3


def test_fees_are_the_venues_for_makers_and_takers_alike(markets):
    markets.update(exchange_info(market("BTC-PERP", takerFee="0.0005")))

    schema = markets.fee_schema("BTC-USDC")
    assert schema.taker_percent_fee_decimal == schema.maker_percent_fee_decimal == Decimal("0.0005")


@pytest.mark.parametrize("fee", [None, "", "0", "0.0000"])
def test_a_fee_of_zero_is_not_believed(markets, fee):
    markets.update(exchange_info(market("NDX-USD-PERP", takerFee=fee)))

    assert markets.fee_schema("NDX-USDC") is None


def test_unknown_markets_have_no_fees(markets):
    assert markets.fee_schema("BTC-USDC") is None
    assert markets.get(None) is None


@pytest.mark.parametrize("answer", [[], {"symbols": "BTC-PERP"}, "markets"])
def test_an_answer_that_is_no_list_of_markets_changes_nothing(markets, answer):
    markets.update(exchange_info(market("BTC-PERP")))

    with pytest.raises(VestPayloadError):
        markets.update(answer)

    assert [rule.trading_pair for rule in markets.trading_rules()] == ["BTC-USDC"]


def test_odd_markets_without_end_do_not_fill_the_log(markets, caplog):
    for number in range(3):
        markets.update(exchange_info(market("BTC-PERP"), *(
            market(f"ODD{number}_{index}-X-Y", sizeDecimals="many" if index % 2 else 2) for index in range(300)
        )))

    assert len(caplog.records) <= 51
    assert "so many odd markets" in said(caplog, logging.ERROR)[-1]
    assert "BTC-USDC" in markets.symbol_map.values()
