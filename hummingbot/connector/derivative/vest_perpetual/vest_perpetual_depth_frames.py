"""Reads the frames that come most by far, those of order books, in one go.

Most of what a book costs are its rows, and pydantic's compiled core decodes, converts and checks them in half the time
of `decode_frame`, `socket_message_from` and `Depth.from_payload`. But it takes only what the protocol describes, to the
letter (section 6): what is more or less than that, tolerable or hostile, is left to these three, so that there is one
judge of it. What is taken here is exactly what they would have made of it.
"""
from typing import Annotated, Any, List, Optional, Tuple

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import NotRequired, TypedDict

from hummingbot.connector.derivative.vest_perpetual import vest_perpetual_constants as CONSTANTS
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_messages import ChannelMessage
from hummingbot.connector.derivative.vest_perpetual.vest_perpetual_wire import Depth

# Ten times what a hundred levels a side need; a hostile frame is not worth being read twice.
_MAX_CHARACTERS = 50_000
_MAX_ROWS = 1000
# Where the channel stands when it comes first.
_HEAD_CHARACTERS = 64
_TOPIC = CONSTANTS.ORDERBOOK_DEPTH_CHANNEL.format(symbol="")
_TIME = "ts_ms"

# Up to here whole numbers are exact as floats, however they are converted. A level without amount is no level.
_Number = Annotated[float, Field(gt=0, lt=2 ** 53, allow_inf_nan=False)]
_Side = Annotated[List[Tuple[_Number, _Number]], Field(max_length=_MAX_ROWS)]
_TimeMs = Annotated[int, Field(strict=True, ge=0, lt=10 ** 13)]
_Book = TypedDict("_Book", {"bids": _Side, "asks": _Side, _TIME: NotRequired[_TimeMs]})
_Frame = TypedDict("_Frame", {"channel": str, "data": _Book, "tsMs": NotRequired[_TimeMs]})
# Not even an unknown field is passed over here, because it would have to be judged.
_Book.__pydantic_config__ = _Frame.__pydantic_config__ = ConfigDict(extra="forbid")
# The adapter's own method only adds to the cost of this one.
_read = TypeAdapter(_Frame).validator.validate_json


def depth_message_from(frame: Any) -> Optional[ChannelMessage]:
    """The message of a depth frame, with a `Depth` for its data; None when the frame has to be read the general way.

    :param frame: what the framework's socket yields
    """
    if (
        type(frame) is not str
        or len(frame) > _MAX_CHARACTERS
        or frame.find(_TOPIC, 0, _HEAD_CHARACTERS) < 0
        or not frame.isascii()  # blanks and digits of other scripts
        or "\\" in frame  # what is escaped
        or "u" in frame  # true, which pydantic takes for 1
    ):
        return None
    try:
        message = _read(frame)
    except ValidationError:
        return None
    channel, book = message["channel"], message["data"]
    # Pydantic passes over underscores in numbers, of which Python refuses some.
    if "_" in frame and frame.count("_") > (_TIME in book):
        return None
    if not (channel.endswith(_TOPIC) and channel.isprintable()):
        return None
    return ChannelMessage(channel, Depth(book["bids"], book["asks"], book.get(_TIME)), message.get("tsMs"))
