"""A figure, its floor and the ratio between them."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value beside the floor of the same kind; `unit` is said once for both."""

    name: str
    samples: Sequence[float]
    floor: Sequence[float]
    unit: str
    note: str = ""

    def line(self) -> str:
        value, floor = median(self.samples), median(self.floor)
        span = f"({min(self.samples):.3g} to {max(self.samples):.3g})"
        return (
            f"{self.name:<46} {value:>9.3g} {self.unit:<9} {span:<22} floor {floor:>9.3g}"
            f"   ratio {value / floor:>6.2f}   {self.note}"
        )
