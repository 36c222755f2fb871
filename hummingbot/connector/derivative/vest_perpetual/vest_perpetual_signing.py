"""What is added to a request before it is sent, and what of it is signed (protocol section 5).

Values stand in the order of the hash. Bodies come from `_wire`; the auth module has the keys and does the signing.
"""
from operator import itemgetter
from typing import Any, Callable, Dict, Mapping, Tuple

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS

# Fields of an order that may bring a second one with it, by their prefix.
_TRIGGERS = {"tp": CONSTANTS.ORDER_TYPE_TAKE_PROFIT, "sl": CONSTANTS.ORDER_TYPE_STOP_LOSS}
# In C, since every order waits for it.
_ORDER_VALUES = itemgetter("time", "nonce", "orderType", "symbol", "isBuy", "size", "limitPrice", "reduceOnly")
_CANCEL_VALUES = itemgetter("time", "nonce", "id")
_LP_VALUES = itemgetter("time", "nonce", "orderType", "size")
_WITHDRAW_VALUES = itemgetter("time", "nonce", "account", "recipient", "token", "size", "chainId")


def time_field(time_ms: int) -> Dict[str, int]:
    """What a private GET has in its query, and a request that is not signed in its body."""
    return {"time": time_ms}


def stamped_order(body: Dict[str, Any], time_ms: int) -> Dict[str, Any]:
    """The order in the body of a request that is to be signed, with its time put in."""
    body["order"] = {**body["order"], **time_field(time_ms)}  # a new one: the caller's may be sent again
    return body["order"]


def seal(body: Dict[str, Any], signature: str) -> None:
    """Puts the signature and its window into the body."""
    body.update(recvWindow=CONSTANTS.RECV_WINDOW_MS, signature=signature)


def order_values(order: Mapping[str, Any]) -> Tuple:
    """What is signed of an order: the very texts that are sent."""
    return _ORDER_VALUES(order)


def sign_triggers(order: Dict[str, Any], sign: Callable[..., str]) -> None:
    """Signs the take profit and stop loss of an order, each as an order of its own that closes what its parent opens.

    :param sign: takes `order_values`
    """
    for prefix, order_type in _TRIGGERS.items():
        price = order.get(f"{prefix}Price")
        if price is not None:
            closing = {"orderType": order_type, "isBuy": not order["isBuy"], "limitPrice": price, "reduceOnly": True}
            order[f"{prefix}Signature"] = sign(*order_values({**order, **closing}))


def cancel_values(order: Mapping[str, Any]) -> Tuple:
    """What is signed of a cancellation."""
    return _CANCEL_VALUES(order)


def lp_values(order: Mapping[str, Any]) -> Tuple:
    """What is signed of an LP order: the very texts that are sent."""
    return _LP_VALUES(order)


def withdraw_values(order: Mapping[str, Any]) -> Tuple:
    """What is signed of a withdrawal, but for the constant false; the size as a number."""
    *values, size, chain_id = _WITHDRAW_VALUES(order)
    return (*values, int(size), chain_id)


def name_token(order: Dict[str, Any]) -> None:
    """Puts the token's name where its address was: the hash has the one, the body the other."""
    order["token"] = CONSTANTS.COLLATERAL_TOKEN
