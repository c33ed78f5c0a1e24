"""What does an indicator say of itself: name, formula, unit, direction, target and the cuts to scores?"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from crmkit.core.results import Unit

Group = Literal["process", "outcome", "input_output", "data", "people"]
Owner = Literal["audit", "clv", "churn", "satisfaction"]
Direction = Literal["up", "down", "range"]
Basis = Literal["fixed", "previous", "own", "declared", "plan"]
GROUPS: tuple[Group, ...] = ("process", "outcome", "input_output", "data", "people")
CUTS = 4


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Formula(_Strict):
    """The formula in words, in both languages."""

    en: str
    zh: str


class Indicator(_Strict):
    """One indicator of the catalogue.

    Parameters
    ----------
    id : str
        For example ``P-RESP``; its formula is the function of that id in :mod:`crmkit.analyses.audit.indicators`.
    group : {"process", "outcome", "input_output", "data", "people"}
        Its class; ``class`` in the file.
    owner : {"audit", "clv", "churn", "satisfaction"}
        The analysis that computes it.
    en, zh : str
        Names.
    formula : Formula
    unit : Unit
        Shares are 0 to 1, money is in the client's currency.
    direction : {"up", "down", "range"}
        Which way is better; ``range``: near the target is better.
    basis : {"fixed", "previous", "own", "declared", "plan"}
        What target and cuts are measured in: the unit itself; parts of the value a year before, of the declared steps or of
        the plan; or shares of the own earlier months that are not better.
    tables : tuple of str
        Tables that it cannot do without.
    target : float
        The kit's is a placeholder until a client edits it.
    cuts : tuple of 4 floats
        Where the scores 2, 3, 4 and 5 begin; for ``range``, distances from the target as parts of it.
    min_n : int
        Fewer observations are not assessed.
    months : int
        Length of the period looked at; 0: that of the cycle.
    weight : float
        In the mean of its class.
    rows : tuple of str
        Where the sources ask for it.
    kri : bool
        Whether it serves as an early warning of a risk.
    enabled : bool
        Whether the client wants it.
    """

    id: str = Field(pattern=r"^[PRID]-[A-Z0-9]+$")
    group: Group = Field(alias="class")
    owner: Owner
    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)
    formula: Formula
    unit: Unit
    direction: Direction
    basis: Basis
    tables: tuple[str, ...] = Field(min_length=1)
    target: float = Field(allow_inf_nan=False)
    cuts: tuple[float, ...] = Field(min_length=CUTS, max_length=CUTS)
    min_n: int = Field(ge=1)
    months: int = Field(ge=0, le=36)
    weight: float = Field(gt=0, allow_inf_nan=False)
    rows: tuple[str, ...]
    kri: bool
    enabled: bool = True

    @field_validator("cuts")
    @classmethod
    def _finite(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not all(abs(cut) < float("inf") for cut in value):
            raise ValueError("four numbers are expected")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> Indicator:
        steps = [after - before for before, after in zip(self.cuts, self.cuts[1:], strict=False)]
        rising = self.direction == "up"
        if not all(step > 0 if rising else step < 0 for step in steps):
            word = "rise" if rising else "fall"
            raise ValueError(
                f"cuts {list(self.cuts)} must {word} from score 2 to score 5, as the direction is {self.direction}"
            )
        return self

    def name(self, language: str) -> str:
        """Its name in a language."""
        return self.zh if language == "zh" else self.en
