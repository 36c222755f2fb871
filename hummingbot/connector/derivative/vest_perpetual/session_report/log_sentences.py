"""The sentences of the client's log that the report goes by: those of this connector, and of Hummingbot around it.

Hummingbot logs lines of the form `<local time> - <pid> - <logger> - <level> - <message>`.
"""
import re

# This connector, `vest_perpetual_socket.SocketKeeper`
INTERRUPTED = re.compile(r"The (?P<stream>[\w ]+) of Vest is interrupted \((?P<reason>.*)\)\. Reconnecting")
CONNECTED_AGAIN = re.compile(r"The (?P<stream>[\w ]+) of Vest is connected again\.")

# Hummingbot, `ClientOrderTracker`: the venue has confirmed an order. A client order id of ours begins with the
# millisecond it was placed in (`vest_perpetual_order_ids`).
CREATED = re.compile(r"Created (?P<kind>\w+) \w+ order (?P<placed_ms>\d{13})\d{3} for .* (?P<pair>\S+) position at ")
# Hummingbot, `EventReporter`: events as JSON, at a level of their own
EVENT_LEVEL = "EVENT_LOG"
ORDER_FAILED = '"event_name": "MarketOrderFailureEvent"'
# Hummingbot, `TradingCore`
STARTED = "Clock started successfully"
STOPPED = "Clock stopped successfully"

# What must not be shown, or tells like messages apart: keys, ids, hashes and tokens; then times and long numbers.
LONG_WORD = re.compile(
    r"(?:0x)?[0-9a-fA-F]{16,}|(?=[A-Za-z_+/=-]*\d)[A-Za-z0-9_+/=-]{20,}|[A-Za-z0-9_+/=-]{40,}"
)
VARYING_NUMBER = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:\+\d\d:\d\d)?|\d+\.\d+|\d{5,}")

# What a bot without a fault warns of, by a part of the message, and why.
HARMLESS = {
    "is not ready. Please wait": "the strategy's first ticks, while the connector still loads its books and balances",
    "(order not found)": "the order filled while its cancel was on the way",
    "Restoring market registrations": "Hummingbot's stop removes the markets before the strategy closes its positions",
}
