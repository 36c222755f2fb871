"""Numbers as a reader wants them."""
from datetime import datetime, timezone
from decimal import Decimal

_CENTS = Decimal("0.01")


def plain(number: Decimal) -> str:
    """A Decimal without the zeros behind it and without an exponent."""
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: Decimal, quote: str) -> str:
    """An amount to the cent with its asset; less than a cent with as many places as it takes."""
    cents = amount.quantize(_CENTS)
    return f"{cents:,f} {quote}" if cents or not amount else f"{plain(amount.quantize(Decimal('0.000001')))} {quote}"


def worded(number: str) -> str:
    """With a minus sign one can see; of a zero there is none."""
    return number.replace("-", "−") if any(digit in number for digit in "123456789") else number.lstrip("-")


def counted(number: int, word: str) -> str:
    """How many there are of a thing, as `2 orders`."""
    return f"{f'{number:,}' if number else 'no'} {word}{'' if number == 1 else 's'}"


def moment(time_ms: int) -> str:
    """A time in UTC, to the second."""
    return datetime.fromtimestamp(time_ms / 1000, timezone.utc).strftime("%Y-%m-%d %H:%M:%S")


def span(time_ms: float) -> str:
    """A span of time in the two units a reader would use."""
    if time_ms < 1000:
        return f"{time_ms:,.0f} ms"
    if time_ms < 60_000:
        return f"{time_ms / 1000:.3g} s"
    minutes, seconds = divmod(round(time_ms / 1000), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next(position for position, (count, _) in enumerate(units) if count)
    return " ".join(f"{count} {unit}" for count, unit in units[first:first + 2])
