"""What the client asks of the connector before it makes one, through the client's own code where that is the point."""
from decimal import Decimal
from random import Random

import pytest
from bidict import bidict
from hypothesis import given, strategies as st
from pydantic import SecretStr, ValidationError

from hummingbot.client.config import config_crypt, config_helpers, security
from hummingbot.client.config.config_helpers import ClientConfigAdapter, api_keys_from_connector_config_map
from hummingbot.client.settings import AllConnectorSettings, ConnectorType
from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_utils as utils

CONFIG_MAPS = {
    "vest_perpetual": utils.VestPerpetualConfigMap,
    "vest_perpetual_testnet": utils.VestPerpetualTestnetConfigMap,
    "vest_perpetual_simulator": utils.VestPerpetualSimulatorConfigMap,
}

every_domain = pytest.mark.parametrize("domain", CONFIG_MAPS)


def connect_keys(domain):
    return [f"{domain}_api_key", f"{domain}_signing_private_key", f"{domain}_account_group"]


# --- Keys


@every_domain
def test_config_map_contains_expected_fields(domain):
    fields = CONFIG_MAPS[domain].model_fields

    assert list(fields) == ["connector", *connect_keys(domain)]
    assert fields["connector"].default == domain
    assert CONFIG_MAPS[domain].model_config["title"] == domain
    for name in connect_keys(domain):
        extra = fields[name].json_schema_extra
        is_secret = not name.endswith("account_group")
        assert fields[name].annotation is (SecretStr if is_secret else int)
        assert fields[name].is_required()
        assert (extra["is_connect_key"], extra["prompt_on_new"], extra["is_secure"]) == (True, True, is_secret)


@every_domain
def test_prompts_say_where_the_values_come_from_and_warn_of_the_wallet_key(domain):
    fields = CONFIG_MAPS[domain].model_fields

    assert "registration" in fields[f"{domain}_api_key"].json_schema_extra["prompt"]
    assert "NEVER your wallet's key" in fields[f"{domain}_signing_private_key"].json_schema_extra["prompt"]
    assert "accGroup" in fields[f"{domain}_account_group"].json_schema_extra["prompt"]


@every_domain
@pytest.mark.parametrize("entered, group", [("", 0), ("0", 0), (None, 0), (" 7 ", 7), (0, 0), (12, 12)])
def test_b21_account_group_zero_may_be_blank(domain, entered, group):
    config = ClientConfigAdapter(CONFIG_MAPS[domain].model_construct())

    setattr(config, f"{domain}_account_group", entered)

    assert getattr(config, f"{domain}_account_group") == group


@pytest.mark.parametrize("entered", ["abc", "-1", "1.5", True, [], "٣"])
def test_an_account_group_that_is_no_number_is_refused_with_a_hint(entered):
    with pytest.raises(ValidationError, match="accGroup"):
        utils.VestPerpetualConfigMap(
            vest_perpetual_api_key="key", vest_perpetual_signing_private_key="11" * 32,
            vest_perpetual_account_group=entered,
        )


@every_domain
def test_b22_keys_survive_being_stored_encrypted_and_loaded_again(domain, tmp_path, monkeypatch):
    """B22: a stored secret is validated while it is still encrypted."""
    monkeypatch.setattr(config_helpers, "CONNECTORS_CONF_DIR_PATH", tmp_path)
    monkeypatch.setattr(security.Security, "secrets_manager", config_crypt.ETHKeyFileSecretManger("a password"))
    config = ClientConfigAdapter(CONFIG_MAPS[domain].model_construct())
    for name, value in zip(connect_keys(domain), ("the-api-key", "0x" + "11" * 32, "0")):
        setattr(config, name, value)
    path = tmp_path / f"{domain}.yml"

    config_helpers.save_to_yml(path, config)
    loaded = config_helpers.load_connector_config_map_from_file(path)

    assert "the-api-key" not in path.read_text() and "11" * 32 not in path.read_text()
    keys = api_keys_from_connector_config_map(loaded)
    assert keys == dict(zip(connect_keys(domain), ("the-api-key", "0x" + "11" * 32, 0)))
    parameters = AllConnectorSettings.get_connector_settings()[domain].conn_init_parameters(api_keys=keys)
    assert parameters["vest_perpetual_api_key"] == "the-api-key"
    assert parameters["vest_perpetual_account_group"] == 0
    assert parameters.get("domain", "vest_perpetual") == domain


@every_domain
@pytest.mark.parametrize("entered", [
    ("", "key", "is empty"), ("0x" + "1a" * 20, "api", "address"), ("0x" + "1A" * 20, "key", "address"),
    ("abandon " * 11 + "about", "key", "recovery phrase"), ("a.b", "key", "has 3 characters"),
], ids=lambda entered: entered[2])
def test_a1_what_cannot_be_a_key_is_refused_while_it_is_entered_and_not_shown(domain, entered):
    text, field, words = entered
    name = f"{domain}_api_key" if field == "api" else f"{domain}_signing_private_key"
    config = ClientConfigAdapter(CONFIG_MAPS[domain].model_construct())

    with pytest.raises(config_helpers.ConfigValidationError, match=words) as refusal:
        setattr(config, name, text)

    assert str(refusal.value).startswith(name) and (not text or text not in str(refusal.value))
    assert not hasattr(config, name)


def test_a1_keys_entered_in_each_others_place_are_noticed():
    config = ClientConfigAdapter(utils.VestPerpetualConfigMap.model_construct())
    config.vest_perpetual_api_key = "0x" + "11" * 32

    with pytest.raises(config_helpers.ConfigValidationError, match="each other's place"):
        config.vest_perpetual_signing_private_key = "22" * 32
    with pytest.raises(config_helpers.ConfigValidationError, match="the same text"):
        config.vest_perpetual_signing_private_key = "11" * 32
    config.vest_perpetual_signing_private_key = "0x" + "22" * 32  # nobody knows that an API key cannot begin with 0x


def test_b22_a_stored_key_that_is_none_does_not_keep_the_user_from_logging_in(tmp_path, monkeypatch):
    monkeypatch.setattr(config_helpers, "CONNECTORS_CONF_DIR_PATH", tmp_path)
    manager = config_crypt.ETHKeyFileSecretManger("a password")
    monkeypatch.setattr(security.Security, "secrets_manager", manager)
    path = tmp_path / "vest_perpetual.yml"
    path.write_text("\n".join([
        "connector: vest_perpetual",
        f"vest_perpetual_api_key: {manager.encrypt_secret_value('', '')}",
        f"vest_perpetual_signing_private_key: {manager.encrypt_secret_value('', 'no key')}",
        "vest_perpetual_account_group: 3",
    ]))

    loaded = config_helpers.load_connector_config_map_from_file(path)

    assert loaded.vest_perpetual_signing_private_key.get_secret_value() == "no key"
    with pytest.raises(config_helpers.ConfigValidationError, match="64 hexadecimal digits"):
        loaded.vest_perpetual_signing_private_key = "another that is none"


def test_a1_the_clients_question_whether_to_replace_the_keys_does_not_show_them():
    config = ClientConfigAdapter(utils.VestPerpetualConfigMap.model_construct())
    config.vest_perpetual_api_key = "the-api-key"
    copy = config.full_copy()

    for secret in (config.vest_perpetual_api_key, copy.vest_perpetual_api_key):
        value = secret.get_secret_value()
        assert value == "the-api-key" and str(value) == "the-api-key" and value.encode() == b"the-api-key"
        for words in (f"API key {value} (Yes/No)?", repr(value), str(secret), repr(secret)):
            assert "the-api-key" not in words


def test_the_client_finds_all_three_domains():
    settings = AllConnectorSettings.create_connector_settings()

    for domain in CONFIG_MAPS:
        assert settings[domain].type is ConnectorType.Derivative
        assert settings[domain].centralised
        assert settings[domain].example_pair == "BTC-USDC"
        assert settings[domain].trade_fee_schema == utils.DEFAULT_FEES
        assert settings[domain].config_keys.connector == domain
        assert settings[domain].module_name() == "vest_perpetual_derivative"


def test_default_fees_have_expected_structure():
    assert utils.DEFAULT_FEES.maker_percent_fee_decimal == Decimal("0.0001")
    assert utils.DEFAULT_FEES.taker_percent_fee_decimal == Decimal("0.0001")
    assert utils.DEFAULT_FEES.buy_percent_fee_deducted_from_returns is False
    assert utils.DEFAULT_FEES.percent_fee_token is None
    assert utils.CENTRALIZED is True


# --- Names of markets


@pytest.mark.parametrize("trading_pair, symbol", [
    ("BTC-USDC", "BTC-PERP"),
    ("btc-usdc", "BTC-PERP"),
    ("AAPL-USDC", "AAPL-USD-PERP"),
    ("AUD-USDC", "AUD-USD-PERP"),
    ("NDX-USDC", "NDX-USD-PERP"),
    ("KBONK-USDC", "kBONK-PERP"),
    ("SPX-USDC", "SPX-PERP"),
    ("SPXUSD-USDC", "SPX-USD-PERP"),
])
def test_convert_to_exchange_trading_pair(trading_pair, symbol):
    assert utils.convert_to_exchange_trading_pair(trading_pair) == symbol


@pytest.mark.parametrize("symbol, trading_pair", [
    ("BTC-PERP", "BTC-USDC"),
    ("AAPL-USD-PERP", "AAPL-USDC"),
    ("AUD-USD-PERP", "AUD-USDC"),
    ("kBONK-PERP", "KBONK-USDC"),
    ("SPX-PERP", "SPX-USDC"),
    ("SPX-USD-PERP", "SPXUSD-USDC"),
    ("NEWTICKER-USD-PERP", "NEWTICKER-USDC"),
])
def test_convert_from_exchange_trading_pair(symbol, trading_pair):
    assert utils.convert_from_exchange_trading_pair(symbol) == trading_pair


def test_with_the_venues_symbols_both_conversions_follow_those():
    known = utils.trading_pairs_by_symbol(["BTC-PERP", "ZZZ-USD-PERP", "kNEW-PERP"])

    for symbol, trading_pair in (("BTC-PERP", "BTC-USDC"), ("ZZZ-USD-PERP", "ZZZ-USDC"), ("kNEW-PERP", "KNEW-USDC")):
        assert utils.convert_to_exchange_trading_pair(trading_pair, known) == symbol
        assert utils.convert_from_exchange_trading_pair(symbol, known) == trading_pair


def test_any_mapping_of_symbols_will_do():
    assert utils.convert_to_exchange_trading_pair("A-USDC", {"A-PERP": "A-USDC"}) == "A-PERP"


@pytest.mark.parametrize("trading_pair", ["BTC-USD", "BTC", "", "BTC-USDT", "-USDC", "A-B-USDC"])
def test_a_trading_pair_the_venue_cannot_have_is_refused(trading_pair):
    with pytest.raises(ValueError, match="BTC-USDC"):
        utils.convert_to_exchange_trading_pair(trading_pair)


def test_a_trading_pair_the_venue_does_not_list_is_refused():
    with pytest.raises(ValueError, match="ETH-USDC"):
        utils.convert_to_exchange_trading_pair("ETH-USDC", {"BTC-PERP": "BTC-USDC"})


@pytest.mark.parametrize("symbol", ["BTC-USDC", "", "USD-JPY-PERP", "BTC-PERP ", "-PERP", "BTC-USD-PERP-X"])
def test_a5_symbols_of_neither_form_are_left_out(symbol):
    assert dict(utils.trading_pairs_by_symbol([symbol, "ETH-PERP"])) == {"ETH-PERP": "ETH-USDC"}
    with pytest.raises(ValueError):
        utils.convert_from_exchange_trading_pair(symbol)


def test_a_symbol_the_venue_does_not_list_is_refused():
    with pytest.raises(ValueError, match="ETH-PERP"):
        utils.convert_from_exchange_trading_pair("ETH-PERP", {"BTC-PERP": "BTC-USDC"})


@pytest.mark.parametrize("coin, index", [("SPX-PERP", "SPX-USD-PERP"), ("spx-PERP", "SPX-USD-PERP")])
def test_of_two_symbols_that_want_one_pair_the_coin_has_it(coin, index):
    for symbols in ([coin, index], [index, coin]):
        assert dict(utils.trading_pairs_by_symbol(symbols)) == {coin: "SPX-USDC", index: "SPXUSD-USDC"}


def test_a_pair_stays_with_its_symbol_whatever_is_listed_later():
    alone = utils.trading_pairs_by_symbol(["SPX-USD-PERP"])

    both = utils.trading_pairs_by_symbol(["SPX-PERP", "SPX-USD-PERP"], alone)
    gone = utils.trading_pairs_by_symbol([], both)

    assert alone["SPX-USD-PERP"] == "SPX-USDC"
    assert dict(both) == {"SPX-USD-PERP": "SPX-USDC"}  # the late coin has no other name to go by
    assert gone == both


def test_an_index_listed_after_its_coin_gets_the_longer_name():
    coin = utils.trading_pairs_by_symbol(["SPX-PERP"])

    assert utils.trading_pairs_by_symbol(["SPX-USD-PERP"], coin)["SPX-USD-PERP"] == "SPXUSD-USDC"


symbol_lists = st.lists(
    st.builds(
        "{}{}".format, st.text("aAbB", max_size=2), st.sampled_from(["-PERP", "-USD-PERP", "USD-PERP", "", "-USDC"])
    ),
    max_size=12,
)


@given(symbol_lists, st.integers())
def test_the_mapping_does_not_depend_on_the_order_of_the_symbols(symbols, seed):
    shuffled = list(symbols)
    Random(seed).shuffle(shuffled)

    pairs = utils.trading_pairs_by_symbol(symbols)

    assert isinstance(pairs, bidict)
    assert pairs == utils.trading_pairs_by_symbol(shuffled)
    assert all(pair == pair.upper() and pair.count("-") == 1 for pair in pairs.values())


@given(symbol_lists, symbol_lists)
def test_known_pairs_are_never_moved(earlier, later):
    known = utils.trading_pairs_by_symbol(earlier)

    assert known.items() <= utils.trading_pairs_by_symbol(later, known).items()
