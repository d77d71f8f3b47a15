"""Why a line is on the bill, in Chinese and English. Pure."""

from billing.tariffs.fee import Line
from billing.tariffs.words import Text

_MINUTE, _HOUR = 60, 3600


def why(line: Line, minor_digits: int = 2) -> Text:
    """`hour 2 at 3.00 per hour`, `第2小时，每小时3.00`: the reason, without times and without the line's amount."""
    zh, en = _said(line, minor_digits)
    if line.name is not None and line.kind in {"units", "flat", "not_charged", "cap"}:
        return Text(zh=f"{line.name.zh}：{zh}", en=f"{line.name.en}: {en}")
    return Text(zh=zh, en=en)


def money(amount: int, minor_digits: int) -> str:
    """`300` -> `3.00`; without digits as it is."""
    if minor_digits == 0:
        return str(amount)
    whole, rest = divmod(abs(amount), 10**minor_digits)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:0{minor_digits}d}"


def _said(line: Line, digits: int) -> tuple[str, str]:
    name = line.name or Text(zh="优惠", en="concession")
    price = money(line.price, digits)
    match line.kind:
        case "units":
            return _units(line, digits)
        case "flat":
            return f"按次{price}", f"flat {price}"
        case "free_time":
            zh, en = _length(line.unit_s)
            return f"免费时长{zh}", f"free time, {en}"
        case "not_charged":
            return "不计费时段", "not charged"
        case "covered":
            return "有效期内免费", "covered by a pass"
        case "cap":
            zh, en = _PERIODS.get(line.per, _within(line.unit_s))
            return f"{zh}封顶{price}", f"at most {price} {en}"
        case "percent":
            return f"{name.zh}，减{line.units}%", f"{name.en}, {line.units} % off"
        case "minutes":
            zh, en = _length(line.unit_s)
            return f"{name.zh}，减免{zh}", f"{name.en}, {en} free"
        case "amount_off":
            return f"{name.zh}，减{price}", f"{name.en}, {price} off"
        case "at_most":
            return f"{name.zh}，最多付{price}", f"{name.en}, pays at most {price}"
        case "exempt":
            return f"{name.zh}，免费", f"{name.en}, pays nothing"
        case "surcharge":
            zh, en = _length(line.unit_s)
            return f"超过最长停放时间{zh}", f"stayed longer than {en}"
        case "tax":
            return f"税{line.price / 10_000:g}%", f"tax {line.price / 10_000:g} %"
        case "rounding":
            return f"取整到{price}", f"rounded to {price}"
        case "least":
            return f"最低收费{price}", f"least charge {price}"
        case "lost_ticket":
            return "遗失停车凭证", "lost ticket"


_PERIODS = {
    "window": ("每个时段", "in this window"),
    "day": ("每日", "a day"),
    "week": ("每周", "a week"),
    "stay": ("单次", "a stay"),
}


def _units(line: Line, digits: int) -> tuple[str, str]:
    zh_unit, en_unit = _unit(line.unit_s * line.parts)
    price = money(line.price, digits)
    if line.parts > 1:
        zh_part, en_part = _length(line.unit_s * line.units)
        return f"{zh_part}，每{zh_unit}{price}", f"{en_part} at {price} per {en_unit}"
    which_zh, which_en = f"{line.units}个{zh_unit}", f"{line.units} × {en_unit}"
    if line.unit_s and line.clock_s % line.unit_s == 0:
        first = line.clock_s // line.unit_s + 1
        last = first + line.units - 1
        numbers_zh = f"第{first}" if first == last else f"第{first}至{last}"
        which_zh = f"{numbers_zh}小时" if line.unit_s == _HOUR else f"{numbers_zh}个{zh_unit}"
        numbers_en = f"{first}" if first == last else f"{first} to {last}"
        noun = "hour" if line.unit_s == _HOUR else f"{en_unit} unit"
        which_en = f"{noun} {numbers_en}" if first == last else f"{noun}s {numbers_en}"
        if first == last == 1:
            which_en = "first hour" if line.unit_s == _HOUR else f"first {en_unit}"
    return f"{which_zh}，每{zh_unit}{price}", f"{which_en} at {price} per {en_unit}"


def _within(seconds: int) -> tuple[str, str]:
    zh, en = _length(seconds)
    return f"每{zh}", f"in {en}"


def _unit(seconds: int) -> tuple[str, str]:
    return ("小时", "hour") if seconds == _HOUR else _length(seconds)


def _length(seconds: int) -> tuple[str, str]:
    if seconds % _HOUR == 0:
        return f"{seconds // _HOUR}小时", f"{seconds // _HOUR} h"
    if seconds % _MINUTE == 0 and seconds < 2 * _HOUR:
        return f"{seconds // _MINUTE}分钟", f"{seconds // _MINUTE} min"
    hours, rest = divmod(seconds, _HOUR)
    minutes, odd = divmod(rest, _MINUTE)
    zh = f"{hours}小时" * bool(hours) + f"{minutes}分" * bool(minutes) + f"{odd}秒" * bool(odd)
    en = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes) + [f"{odd} s"] * bool(odd)
    return zh, " ".join(en)
