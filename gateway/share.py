"""Percentages as everybody else tells them, as the shares that we keep. Pure."""


def share_of_hundred(value: object) -> float | None:
    """A number from 0 to 100, or one in letters, as one from 0 to 1; None when it is none."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        return None
    return value / 100
