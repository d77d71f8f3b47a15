"""What time costs: units by steps, a table of totals, a flat amount, or nothing. Data only; units.py lays them out."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from billing.tariffs.words import Fen, Frozen, Minutes, MinutesOrNone

Rounding = Literal["up", "down", "half", "more_than_half"]


class Step(Frozen):
    """Units of one price, laid end to end until the step ends; the last step of a charge has no end."""

    amount: Fen = Field(title="price of a unit", examples=[300])
    unit_min: Minutes = Field(title="unit", description="Minutes.", examples=[30])
    until_min: Minutes | None = Field(
        default=None, title="until", examples=[60],
        description="The step ends when the clock (see the plan's `clock`) shows these minutes; null in the last step.",
    )  # fmt: skip
    rounding: Rounding = Field(
        default="up", title="a unit counts",
        description="`up` as soon as it has begun, `down` when it is complete, `half` from half of it on,"
        " `more_than_half` when more than half is used.",
    )  # fmt: skip
    counts_after_min: MinutesOrNone | None = Field(
        default=None, title="a unit counts after", examples=[15],
        description="Instead of `rounding`: a begun unit counts once more than these minutes of it are used.",
    )  # fmt: skip
    prorate_min: Minutes | None = Field(
        default=None, title="charged by the", examples=[1],
        description="The price of a unit is charged in parts of these minutes; they must divide the unit. `rounding`"
        " is then of the part.",
    )  # fmt: skip
    fraction: Literal["down", "up", "nearest"] = Field(
        default="down", title="fractions of a fen", description="What becomes of them in what is charged by parts."
    )

    @model_validator(mode="after")
    def _fits(self) -> "Step":
        if self.prorate_min is not None and self.unit_min % self.prorate_min:
            raise PydanticCustomError(
                "prorate_min",
                "prorate_min {part} does not divide unit_min {unit}: write a divisor, such as 1",
                {"part": self.prorate_min, "unit": self.unit_min},
            )
        if self.counts_after_min is not None and self.counts_after_min >= self.part_min:
            raise PydanticCustomError(
                "counts_after_min",
                "after {after} of {unit} minutes no unit would ever count: write fewer minutes, or rounding down",
                {"after": self.counts_after_min, "unit": self.part_min},
            )
        return self

    @property
    def part_min(self) -> int:
        """What is counted: the unit, or the part by which it is charged."""
        return self.prorate_min or self.unit_min


class Units(Frozen):
    """Time is charged by units: one price throughout, a first hour and later ones, a first block, or tiers."""

    kind: Literal["units"]
    steps: tuple[Step, ...] = Field(min_length=1, max_length=50, title="steps", description="In the clock's order.")

    @model_validator(mode="after")
    def _in_order(self) -> "Units":
        begins = 0
        for number, step in enumerate(self.steps):
            last = number == len(self.steps) - 1
            if step.until_min is None and not last:
                raise PydanticCustomError(
                    "until_min",
                    "steps.{number}.until_min is missing: only the last step has no end; say when step {number} ends",
                    {"number": number},
                )
            if step.until_min is None:
                break
            if last:
                raise PydanticCustomError(
                    "until_min",
                    "steps.{number}.until_min must be null in the last step; for time that costs nothing add a step"
                    " with amount 0, for a table that begins again use the plan's restart",
                    {"number": number},
                )
            if step.until_min <= begins:
                raise PydanticCustomError(
                    "until_min",
                    "steps.{number}.until_min {until} must be more than {begins}, where the step begins",
                    {"number": number, "until": step.until_min, "begins": begins},
                )
            if (step.until_min - begins) % step.part_min:
                raise PydanticCustomError(
                    "until_min",
                    "steps.{number} lasts {span} minutes, which is no whole number of units of {unit}:"
                    " change until_min or unit_min",
                    {"number": number, "span": step.until_min - begins, "unit": step.part_min},
                )
            begins = step.until_min
        return self


class Band(Frozen):
    """A line of a printed table: whoever has stayed no longer than this pays this in all."""

    until_min: Minutes = Field(title="up to", examples=[60])
    total: Fen = Field(title="in all", description="Not in addition to the band before.", examples=[800])


class Totals(Frozen):
    """A table of totals by the length of the stay: up to 1 h 8.00, up to 2 h 15.00 ..."""

    kind: Literal["totals"]
    bands: tuple[Band, ...] = Field(min_length=1, max_length=100, title="bands")
    beyond: Step | None = Field(
        default=None, title="beyond the table",
        description="What each further unit adds; null: nothing (use the plan's restart where the table begins again).",
    )  # fmt: skip

    @model_validator(mode="after")
    def _rising(self) -> "Totals":
        for before, band in zip(self.bands, self.bands[1:], strict=False):
            if band.until_min <= before.until_min or band.total < before.total:
                raise PydanticCustomError(
                    "bands",
                    "the band up to {until} min for {total} follows the one up to {before} min for {less}: bands must"
                    " be sorted and no later total may be lower",
                    {"until": band.until_min, "total": band.total, "before": before.until_min, "less": before.total},
                )
        if self.beyond is not None and self.beyond.until_min is not None:
            raise PydanticCustomError("beyond", "beyond.until_min must be null: what is beyond the table has no end")
        return self

    def steps(self) -> tuple[Step, ...]:
        """The same as steps: each band is one unit with the difference to the band before."""
        steps: list[Step] = []
        minutes = total = 0
        for band in self.bands:
            length = band.until_min - minutes
            steps.append(Step(amount=band.total - total, unit_min=length, until_min=band.until_min))
            minutes, total = band.until_min, band.total
        return (*steps, self.beyond or Step(amount=0, unit_min=1))


class Flat(Frozen):
    """One amount, however long: per entry, or per night."""

    kind: Literal["flat"]
    amount: Fen = Field(title="amount", examples=[500])
    once: Literal["window", "stay"] = Field(
        default="window", title="once per",
        description="`window`: each time the window is used (flat per night). `stay`: once per entry (again after each"
        " restart of the plan, if it has one).",
    )  # fmt: skip
    counts_after_min: MinutesOrNone = Field(
        default=0, title="counts after", description="Charged once more than these minutes of the window are used."
    )


class Nothing(Frozen):
    """This time costs nothing."""

    kind: Literal["free"]


Charge = Annotated[
    Units | Totals | Flat | Nothing,
    Field(
        discriminator="kind", title="charge", description="What time costs.",
        examples=[{"kind": "units", "steps": [{"amount": 300, "unit_min": 60}]}],
    ),
]  # fmt: skip
