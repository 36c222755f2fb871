"""`make fleet`: several Hummingbots on one simulated venue, driven over MQTT alone; at the end all books must agree.

Every bot is a real client in a home of its own, up to three share an account. Over a real broker they are started,
watched, reconfigured and stopped while they trade: what `docs/operating.md` describes. What the bots said over MQTT,
what their databases hold and what the venue's ledger has must be the same, no bot may have touched another's orders,
and the venue's limiter, set to what the shares of all bots add up to, may not have refused one request.
Everything is kept in `.runs/<time>/`. The exit code is 1 on any difference.
"""
import argparse
import shutil
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Callable, Counter as CounterType, Dict, Iterable, List, Mapping, Optional

import yaml

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from workbench import audit, books, report
from workbench.client import Client
from workbench.job import CONNECTOR, STOP_TIMEOUT_S, Job
from workbench.mqtt import NAMESPACE, Broker, Keeper, MqttError
from workbench.strategies import LEVERAGE

# Bots that share an account trade different pairs: an account has one position per symbol.
SYMBOL_OF_PAIR = {"BTC-USDC": "BTC-PERP", "ETH-USDC": "ETH-PERP", "SOL-USDC": "SOL-PERP"}
BOTS_PER_ACCOUNT = len(SYMBOL_OF_PAIR)
MOST_BOTS = 30
CONFIGURATION = "fleet.yml"
AMOUNT_QUOTE = Decimal("2000")  # USDC, of the four orders of a controller together
LARGER_AMOUNT_QUOTE = Decimal("3200")
ORDERS_AT_ONCE = 4
PROGRESS_S = 5.0


def main(arguments: Optional[List[str]] = None) -> int:
    """Run a fleet; returns the exit code."""
    parser = argparse.ArgumentParser(prog="fleet", description=__doc__.splitlines()[0])
    parser.add_argument("--bots", type=int, default=5)
    parser.add_argument("--duration", type=float, default=60, help="seconds of trading (default 60)")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated prices")
    options = parser.parse_args(arguments)
    if not 1 <= options.bots <= MOST_BOTS or options.duration <= 0:
        parser.error(f"there must be 1 to {MOST_BOTS} bots, and the duration must be above zero")
    return FleetJob(options.seed, options.bots, options.duration).execute()


def client_settings(name: str, broker: Broker, share_pct: int) -> Dict[str, Any]:
    """What makes a client a bot of a fleet, for its `conf/conf_client.yml`.

    :param name: its instance_id, which no other bot of the broker may have.
    :param share_pct: its part of the venue's rate limits, in percent.
    """
    return {
        "instance_id": name,
        "rate_limits_share_pct": share_pct,
        "mqtt_bridge": {
            "mqtt_host": broker.host, "mqtt_port": broker.port, "mqtt_username": broker.user,
            "mqtt_password": broker.password, "mqtt_namespace": NAMESPACE, "mqtt_autostart": True,
        },
    }


@dataclass
class Bot:
    """One of the fleet: its instance_id, its client, the account of the venue it uses, the pair it trades there."""

    name: str
    client: Client
    account: Mapping[str, Any]
    pair: str

    @property
    def label(self) -> str:
        """What its lines of the report are headed with."""
        return f"{self.name} {self.pair}"


class FleetJob(Job):
    """One run.

    :param seed: of the simulated prices.
    :param count: how many bots.
    :param duration_s: how long they trade.
    """

    def __init__(self, seed: int, count: int, duration_s: float) -> None:
        accounts = -(-count // BOTS_PER_ACCOUNT)
        super().__init__(seed, SYMBOL_OF_PAIR, accounts=accounts)
        self.bots: List[Bot] = []
        self.keeper: Keeper  # as long as it runs
        self._count = count
        self._duration_s = duration_s
        self._share_pct = 100 // count

    def run(self) -> List[str]:
        self.say(f"{self._count} bots for {self._duration_s:g} s, each with {self._share_pct} % of the rate limits")
        with ExitStack() as stack:
            broker = stack.enter_context(Broker(self.folder))
            self.keeper = stack.enter_context(Keeper(broker))
            try:
                return self._run(broker)
            except MqttError as error:
                return [str(error)]

    def _run(self, broker: Broker) -> List[str]:
        self._set_up_bots(broker)
        self.step("starting the clients: their controllers wait")
        self._each(lambda bot: bot.client.start(CONFIGURATION))
        self._each(lambda bot: self.keeper.wait_for(
            lambda: bool(self.keeper.heard(bot.name, "hb") and self.keeper.heard(bot.name, "performance")),
            f"{bot.name} is not heard"))
        faults = [f"{bot.name} trades before it is told to" for bot in self.bots if self._venue(bot).orders]
        self.step("over MQTT: starting the controllers")
        self._set(manual_kill_switch=False)
        self._trade(self._duration_s / 2)
        self.say(f"- over MQTT: {AMOUNT_QUOTE} USDC become {LARGER_AMOUNT_QUOTE}")
        self._set(total_amount_quote=str(LARGER_AMOUNT_QUOTE))
        self._trade(self._duration_s / 2)
        self._each(lambda bot: self.keeper.wait_for(
            lambda: self._places_larger_orders(bot), f"{bot.name} places no larger orders"))
        self._each(lambda bot: self.keeper.wait_for(lambda: bool(self._told(bot)), f"{bot.name} fills nothing"))
        self.say("- over MQTT: stopping the controllers, which cancels their orders and closes their positions")
        self._set(manual_kill_switch=True)
        self._each(lambda bot: self.keeper.wait_for(
            lambda: self._is_flat(bot), f"{bot.name} has not closed its position"))
        faults += self._differences_from_mqtt()
        self.say("- over MQTT: stopping the strategies; then the clients end")
        self._each(lambda bot: self.keeper.ask(bot.name, "stop", async_backend=False))
        self._each(lambda bot: bot.client.stop(STOP_TIMEOUT_S))
        return faults + self._judge()

    def _each(self, action: Callable[[Bot], Any], bots: Optional[List[Bot]] = None) -> None:
        """Do something with several bots (all) at once."""
        with ThreadPoolExecutor(len(self.bots)) as pool:
            list(pool.map(action, self.bots if bots is None else bots))

    # --- set-up

    def _set_up_bots(self, broker: Broker) -> None:
        self.say(f"  everything is kept in {self.folder.name}")
        self.step("starting the simulated venue")
        self.simulator.start()
        requests = CONSTANTS.RATE_LIMIT_POOL_REQUESTS * 60 // CONSTANTS.RATE_LIMIT_INTERVAL_S
        self.simulator.ask("set_limits", requests_per_minute=requests * self._share_pct * min(
            self._count, BOTS_PER_ACCOUNT) // 100)
        self.step("making a home for every bot, with its keys, settings and controller")
        for number in range(self._count):
            account = self.simulator.accounts[number // BOTS_PER_ACCOUNT]
            pair = list(SYMBOL_OF_PAIR)[number % BOTS_PER_ACCOUNT]
            name = f"bot{number + 1}"
            self.bots.append(Bot(name, self.make_client(name), account, pair))
        firsts = self.bots[::BOTS_PER_ACCOUNT]
        self._each(lambda bot: self.store_keys(bot.client, bot.account), firsts)
        for number, bot in enumerate(self.bots):
            if bot not in firsts:
                self._copy_keys(firsts[number // BOTS_PER_ACCOUNT], bot)
            self._configure(bot, broker)

    @staticmethod
    def _copy_keys(source: Bot, target: Bot) -> None:
        """The keystore is encrypted with the password of the run, which is the same for all."""
        for path in (source.client.home.root / "conf").rglob("*"):
            if path.is_file():
                copy = target.client.home.root / path.relative_to(source.client.home.root)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(path, copy)

    def _configure(self, bot: Bot, broker: Broker) -> None:
        """Write the files a bot is made of, as a user would with an editor."""
        conf = bot.client.home.root / "conf"
        file = conf / "conf_client.yml"
        _dump(file, {**yaml.safe_load(file.read_text()), **client_settings(bot.name, broker, self._share_pct)})
        _dump(conf / "controllers" / f"{bot.name}.yml", {
            "id": bot.name, "controller_name": "vest_market_making", "controller_type": "market_making",
            "connector_name": CONNECTOR, "trading_pair": bot.pair, "leverage": LEVERAGE, "manual_kill_switch": True,
            "total_amount_quote": str(AMOUNT_QUOTE), "buy_spreads": "0.0002,0.0005", "sell_spreads": "0.0002,0.0005",
            "buy_amounts_pct": "1,1", "sell_amounts_pct": "1,1", "executor_refresh_time": 4, "cooldown_time": 1,
            "take_profit": "0.0006", "stop_loss": "0.003", "time_limit": 6,
        })
        _dump(conf / "scripts" / CONFIGURATION, {
            "script_file_name": "v2_over_mqtt.py", "controllers_config": [f"{bot.name}.yml"], "report_interval": 2})

    # --- over MQTT

    def _set(self, **settings: Any) -> None:
        self._each(lambda bot: self.keeper.ask(bot.name, "controllers", settings=settings))

    def _trade(self, duration_s: float) -> None:
        """Wait while the bots trade, telling what they publish."""
        started = time.monotonic()
        next_line_s = PROGRESS_S
        while (elapsed_s := time.monotonic() - started) < duration_s and not self.is_interrupted:
            time.sleep(min(0.2, duration_s - elapsed_s))
            if elapsed_s >= next_line_s:
                next_line_s += PROGRESS_S
                self.say(f"{elapsed_s:5.0f} s  " + "  ".join(f"{bot.name} {self._heartbeat(bot)}" for bot in self.bots))

    def _heartbeat(self, bot: Bot) -> str:
        performance = self.keeper.heard(bot.name, "performance")[-1][bot.name]["performance"]
        return f"{sum(self._told(bot).values())} fills {performance.get('global_pnl_quote', 0):+.2f}"

    def _differences_from_mqtt(self) -> List[str]:
        """Where what the bots published differs from the venue's ledger; they are quiet, the last events on their way.

        :raises MqttError: a bot's fills over MQTT are not the venue's.
        """
        faults = []
        for bot in self.bots:
            filled = Counter(str(order["nonce"]) for order in self._rows(bot) for _ in order["fills"])
            self.keeper.wait_for(lambda: self._told(bot) == filled, f"{bot.name} does not tell the venue's fills")
            history = self.keeper.ask(bot.name, "history", async_backend=False)["trades"]
            volume = sum(Decimal(trade["quantity"]) for trade in history)
            if volume != sum(fill.amount for fill in self._venue(bot).fills):
                faults.append(f"{bot.name}: its history over MQTT has another volume than the venue: {volume}")
            if not self.keeper.heard(bot.name, "log"):
                faults.append(f"{bot.name}: its log is not heard over MQTT")
        return faults

    def _told(self, bot: Bot) -> CounterType[str]:
        """How often a bot has told of a fill of each of its orders."""
        return Counter(event["order_id"] for event in self.keeper.events(bot.name, "OrderFilled"))

    # --- the venue

    def _rows(self, bot: Bot) -> List[Dict[str, Any]]:
        """The venue's orders of the bot's account in the bot's pair, whoever placed them."""
        ledger = self.simulator.ask("ledger", bot.account["account_group"])
        return [row for row in ledger["orders"] if row["symbol"] == SYMBOL_OF_PAIR[bot.pair]]

    def _venue(self, bot: Bot) -> books.Books:
        """The venue's books of the bot's account in the bot's pair."""
        ledger = self.simulator.ask("ledger", bot.account["account_group"])
        of_pair = {part: [row for row in ledger[part] if row["symbol"] == SYMBOL_OF_PAIR[bot.pair]]
                   for part in ("orders", "positions", "funding_payments")}
        return books.venue_books({**ledger, **of_pair}, self.pair_of_symbol)

    def _is_flat(self, bot: Bot) -> bool:
        venue = self._venue(bot)
        return not any(venue.positions.values()) and all(order.state != books.OPEN for order in venue.orders)

    def _places_larger_orders(self, bot: Bot) -> bool:
        least = LARGER_AMOUNT_QUOTE / ORDERS_AT_ONCE * Decimal("0.9")
        return any(Decimal(row["size"]) * Decimal(row["limitPrice"]) >= least
                   for row in self._rows(bot) if row["orderType"] == "LIMIT")

    # --- verdict

    def _judge(self) -> List[str]:
        clients = {bot.name: books.client_books(bot.client.database) for bot in self.bots}
        marks = self.marks()
        # No other bot of the account trades the pair: what it took, left or cancelled wrongly is a difference.
        faults = self.differences(
            _together(_labelled(clients[bot.name], bot.label) for bot in self.bots),
            _together(_labelled(self._venue(bot), bot.label) for bot in self.bots),
            {bot.label: marks[bot.pair] for bot in self.bots})
        faults += [f"{bot.name} has an order in {order.pair}"
                   for bot in self.bots for order in clients[bot.name].orders if order.pair != bot.pair]
        return faults + self._strangers() + self._complaints() + self._refusals() + self.left_behind()

    def _strangers(self) -> List[str]:
        """Orders of one bot that another one names in its log: all that it places, cancels or books is there."""
        owner = {order.nonce: bot.name for bot in self.bots for order in books.client_books(bot.client.database).orders}
        return [f"{bot.name}: order {nonce} in its log is {owner[nonce]}'s"
                for bot in self.bots for nonce in sorted(audit.order_ids(bot.client.logs))
                if owner.get(nonce, bot.name) != bot.name]

    def _complaints(self) -> List[str]:
        complaints: CounterType[audit.Complaint] = Counter()
        for bot in self.bots:
            complaints += audit.complaints(bot.client.logs)
        self.say("\n" + report.complaints(complaints))
        return [f"{complaint.level} of {complaint.logger}: {complaint.message}"
                for complaint in complaints if complaint.is_fault]

    def _refusals(self) -> List[str]:
        limiter = self.simulator.ask("limiter")
        limit = limiter["limits"]["requests_per_minute"]
        self.say(f"\nThe busiest account made {limiter['most_per_minute']} of {limit} requests a minute.")
        return [f"the venue refused {limiter['tripped']} requests: too many"] if limiter["tripped"] else []


def _labelled(sheet: books.Books, label: str) -> books.Books:
    """The books of one bot, which trades one pair, under a label in place of the pair."""
    return books.Books(
        [replace(order, pair=label) for order in sheet.orders], [replace(fill, pair=label) for fill in sheet.fills],
        [replace(payment, pair=label) for payment in sheet.payments],
        {label: sum(sheet.positions.values(), books.ZERO)})


def _together(sheets: Iterable[books.Books]) -> books.Books:
    """The books of several bots in one."""
    total = books.Books([], [], [], {})
    for sheet in sheets:
        total = books.Books(total.orders + sheet.orders, total.fills + sheet.fills, total.payments + sheet.payments,
                            {**total.positions, **sheet.positions})
    return total


def _dump(file: Path, contents: Mapping[str, Any]) -> None:
    file.write_text(yaml.safe_dump(dict(contents), sort_keys=False))


if __name__ == "__main__":
    sys.exit(main())
