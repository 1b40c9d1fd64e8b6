"""Amounts as people read them: durations, counts, bytes, moments."""

from datetime import datetime

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def duration(seconds: float | None) -> str:
    """12 ms, 1.24 s, 3 min 04 s, 2 h 05 min; nothing for None."""
    if seconds is None:
        return ""
    seconds = max(0.0, seconds)
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.995:
        return f"{seconds:.2f} s"
    if seconds < 3599.5:
        return "{} min {:02} s".format(*divmod(round(seconds), 60))
    return "{:,} h {:02} min".format(*divmod(round(seconds / 60), 60))


def ticking(seconds: float | None) -> str:
    """A duration that is still growing, in as many digits as can be followed: 0.3 s, 12.4 s, 3 min 04 s."""
    if seconds is None or seconds >= 59.95:
        return duration(seconds)
    return f"{max(0.0, seconds):.1f} s"


def count(number: int | None) -> str:
    """336,776; nothing for None."""
    return "" if number is None else f"{number:,}"


def counted(number: int, one: str, many: str = "") -> str:
    """1 block, 2 blocks."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: int | None) -> str:
    """512 B, 1.5 KiB, 12 MiB; nothing for None."""
    if number is None:
        return ""
    amount, unit = float(number), 0
    while amount >= 1023.5 and unit < len(_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    digits = 1 if unit and amount < 9.95 else 0
    return f"{amount:,.{digits}f} {_UNITS[unit]}"


def moment(at: datetime | None) -> str:
    """The moment in the time zone of this machine, to the second."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else ""


def time_of_day(at: datetime) -> str:
    """As `moment` without the date, to the millisecond."""
    return at.astimezone().strftime("%H:%M:%S.%f")[:-3]
