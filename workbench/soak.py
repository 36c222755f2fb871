"""`make soak`: the real client trades for hours under mild faults while its vital signs are watched; then the books.

It must agree with the venue in every line at the end and never have asked more often than the connector's table of rate
limits allows. The slopes of its memory, tasks and open files are shown, extrapolated to a day. Everything is kept in
`.runs/<time>/`: report.txt, soak.json (every sample), soak.png. The exit code is 1 on any difference.
"""
import argparse
import json
import sys
import time
from collections import Counter
from typing import Counter as CounterType, Dict, Iterable, List, Mapping, Optional

import psutil

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from workbench import audit, books, report, sampling, soak_plot
from workbench.client import ClientNotRunningError
from workbench.disturbances import Disturbances
from workbench.job import CONNECTOR, STOP_TIMEOUT_S, Job, create_order_churn
from workbench.order_churn import VITALS_FILE
from workbench.sampling import Sample, Sampler, Trend

SAMPLE_INTERVAL_S = 5.0
PROGRESS_S = 60.0
FAULT_INTERVAL_S = 10.0  # mean
WARM_UP = 0.3  # of the time
LONGEST_WARM_UP_S = 1200.0  # Hummingbot remembers orders for a quarter of an hour after their end
FEWEST_SAMPLES = 8  # warm-up included
CALM_S = 45.0  # after the last fault: longer than the client believes in a silent stream, and a poll
READY_TIMEOUT_S = 60.0


def main(arguments: Optional[List[str]] = None) -> int:
    """Run a soak; returns the exit code."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__.splitlines()[0])
    parser.add_argument("--hours", type=float, default=0, help="how long the client trades")
    parser.add_argument("--minutes", type=float, default=0, help="added to the hours")
    parser.add_argument("--rate", type=float, default=10, help="orders and cancels a second (default 10)")
    parser.add_argument("--seed", type=int, default=1, help="of prices, orders and faults")
    parser.add_argument("--faults", choices=("mild", "none"), default="mild")
    options = parser.parse_args(arguments)
    duration_s = options.hours * 3600 + options.minutes * 60
    if not duration_s > 0 or not options.rate > 0:
        parser.error("the time (hours, minutes) and the rate must be above zero")
    return Soak(options.seed, duration_s, options.rate, options.faults == "mild").execute()


class Soak(Job):
    """One soak.

    :param seed: of prices, orders and faults.
    :param duration_s: how long the client trades.
    :param rate: orders and cancels a second.
    :param has_faults: whether the venue has mild troubles; without them the log must be clean as well.
    """

    def __init__(self, seed: int, duration_s: float, rate: float, has_faults: bool) -> None:
        super().__init__(seed)
        self._seed = seed
        self._duration_s = duration_s
        self._rate = rate
        self._disturbances = Disturbances(self.simulator.ask, list(self.pair_of_symbol), seed)
        self._has_faults = has_faults
        self._happened: CounterType[str] = Counter()
        self.samples: List[Sample] = []

    def run(self) -> List[str]:
        self.say(f"{self._duration_s / 60:g} minutes, {self._rate:g} orders and cancels a second on "
                 f"{', '.join(self.symbol_of_pair)}, {'mild' if self._has_faults else 'no'} faults, seed {self._seed}")
        self.set_up()
        self._limit_requests()
        configuration = create_order_churn(
            self.client, CONNECTOR, list(self.symbol_of_pair), self.marks(), self._rate, self._seed)
        self.step("starting the bot")
        self.client.start(configuration)
        self._trade()
        self._calm_down()
        self.say("- stopping the bot: cancelling orders")
        self.client.stop(STOP_TIMEOUT_S)
        return self._judge()

    def _limit_requests(self) -> None:
        """The venue refuses more than the connector believes to be allowed."""
        per_minute = CONSTANTS.RATE_LIMIT_POOL_REQUESTS * 60 // CONSTANTS.RATE_LIMIT_INTERVAL_S
        self.simulator.ask("set_limits", requests_per_minute=per_minute)

    def _trade(self) -> None:
        """Let the client trade, have something go wrong now and then, take samples."""
        sampler = self._sampler()
        started_s = time.monotonic()
        next_sample_s, next_progress_s, next_fault_s = 0.0, 0.0, self._disturbances.pause_s(FAULT_INTERVAL_S)
        while (elapsed_s := time.monotonic() - started_s) < self._duration_s and not self.is_interrupted:
            if elapsed_s >= next_sample_s:
                next_sample_s += SAMPLE_INTERVAL_S
                self._sample(sampler, elapsed_s)
            if elapsed_s >= next_progress_s:
                next_progress_s += PROGRESS_S
                self.say(_progress(self.samples[-1]))
            if self._has_faults and elapsed_s >= next_fault_s:
                next_fault_s = elapsed_s + self._disturbances.pause_s(FAULT_INTERVAL_S)
                self._happened[self._disturbances.next()] += 1
            time.sleep(0.1)

    def _sampler(self) -> Sampler:
        """:raises ClientError: the script has not begun to trade within a minute"""
        vitals = self.client.home.root / "data" / VITALS_FILE
        self.client.wait_for(lambda: vitals.exists() and vitals.stat().st_size > 0, READY_TIMEOUT_S,
                             "The client has not begun to trade")
        return Sampler(psutil.Process(self.client.bot["pid"]), psutil.Process(self.simulator.pid), vitals)

    def _sample(self, sampler: Sampler, elapsed_s: float) -> None:
        try:
            self.samples.append(sampler.sample(
                elapsed_s, self.client.logs, self.client.database, self.simulator.ask("limiter"),
                self.simulator.ask("journal_counts")))
        except psutil.NoSuchProcess as error:
            raise ClientNotRunningError("The client has ended by itself; its log says why.") from error

    def _calm_down(self) -> None:
        """Nothing goes wrong any more, and the client has the time to learn what it has missed."""
        self._disturbances.end()
        if self._has_faults:
            self.say(f"- {CALM_S:g} quiet seconds")
            time.sleep(CALM_S)

    def _judge(self) -> List[str]:
        differences = self.differences(
            books.client_books(self.client.database), books.venue_books(self.ledger(), self.pair_of_symbol))
        faults = differences + self._judge_log()
        tripped = self.simulator.ask("limiter")["tripped"]
        if tripped:
            faults.append(f"the venue refused {tripped} requests as too many")
        faults += self.left_behind()
        self._report_trends(len(differences))
        return faults

    def _judge_log(self) -> List[str]:
        """Without faults nothing may be complained of; with them it is shown what was."""
        complaints = audit.complaints(self.client.logs, (*audit.COMPLAINTS, audit.NETWORK))
        if self._happened:
            self.say("\nFaults: " + ", ".join(f"{name} {count}" for name, count in sorted(self._happened.items())))
        self.say("\n" + report.complaints(complaints))
        return [] if self._has_faults else [f"{complaint.level} of {complaint.logger}: {complaint.message}"
                                            for complaint in complaints if complaint.is_fault]

    def _report_trends(self, differences: int) -> None:
        """Slopes in the report, everything in soak.json, pictures in soak.png."""
        if len(self.samples) < FEWEST_SAMPLES:
            self.say("\nToo short for trends.")
            return
        warm_up_s = min(WARM_UP * self.samples[-1].time_s, LONGEST_WARM_UP_S)
        found = sampling.trends(self.samples, warm_up_s)
        (self.folder / "soak.json").write_text(json.dumps({
            "seed": self._seed, "duration_s": self.samples[-1].time_s, "warm_up_s": warm_up_s,
            "order_requests_per_second": sampling.order_rate(self.samples), "faults": dict(self._happened),
            **sampling.as_json(self.samples, found)}, indent=1))
        soak_plot.draw(self.samples, found, warm_up_s, self.folder / "soak.png")
        self.extent = self.samples[-1].time_s
        self.figures = figures(
            self.samples[-1].time_s, sampling.order_rate(self.samples), self._happened, differences, found)
        self.say(f"\n{sampling.order_rate(self.samples):.1f} orders and cancels a second reached the venue. "
                 f"Trends after {warm_up_s:.0f} s:\n\n" + _table(found))


def figures(duration_s: float, order_rate: float, happened: Mapping[str, int], differences: int,
            found: Iterable[Trend]) -> Dict[str, str]:
    """A soak in a few lines.

    :param happened: how often each kind of fault was injected
    :param differences: how many there are between the client's books and the venue's
    :param found: the slopes of its vital signs
    """
    slopes = {f"{trend.name}, at the end and per hour": f"{trend.last:.5g} {trend.unit}, {trend.per_hour:+.3g}"
              for trend in found if trend.name in ("memory_mb", "tasks", "descriptors", "log_mb")}
    return {
        "minutes": f"{duration_s / 60:.0f}", "orders and cancels a second": f"{order_rate:.1f}",
        "faults injected": ", ".join(f"{count} × {name}" for name, count in sorted(happened.items())) or "none",
        "differences between client and venue": str(differences), **slopes,
    }


def _progress(sample: Sample) -> str:
    return (f"{sample.time_s / 60:5.1f} min  order requests {sample.order_requests:6}  "
            f"requests/min {sample.requests_last_minute:4}  memory {sample.memory_mb:.0f} MB  tasks {sample.tasks}  "
            f"tracked {sample.tracked_orders}  files {sample.descriptors}  venue {sample.venue_memory_mb:.0f} MB")


def _table(found: List[Trend]) -> str:
    rows = [(trend.name, f"{trend.first:.5g}", f"{trend.last:.5g}", f"{trend.largest:.5g}", f"{trend.per_hour:+.4g}",
             f"{trend.per_day:+.4g}", trend.unit) for trend in found]
    return report.aligned([("", "first", "last", "largest", "per hour", "in 24 h", "unit"), *rows], range(1, 6))


if __name__ == "__main__":
    sys.exit(main())
