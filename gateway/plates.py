"""Number plates as cameras write them, brought to one spelling."""

import unicodedata

_SEPARATORS = str.maketrans("", "", "·•・‧∙-.－ 　\t")


def normalise_plate(read: str) -> str | None:
    """`辽a·12345` -> `辽A12345`; None when nothing is left (an unlicensed vehicle).

    Only separators and letter case change. What fits no pattern of a plate is kept as it was read: a wrong reading is
    evidence too, and unlicensed or foreign vehicles are never forced through the pattern.
    """
    return unicodedata.normalize("NFKC", read).translate(_SEPARATORS).upper() or None
