"""What a candidates file declares: the hall to build, the places it may stand, what must hold there, and what matters."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, PlainSerializer, ValidatorFunctionWrapHandler, WrapValidator

from datahall.foundation.money import Currency, Money
from datahall.foundation.spec import Name, Spec
from datahall.foundation.units import Seconds, Watts
from datahall.infrastructure.spec import Site

MeasureName = Literal[
    "cost_per_accelerator_h",
    "energy_price_per_kwh",
    "cue_kgco2e_per_kwh",
    "pue",
    "wue_l_per_kwh",
    "rtt_s",
    "hazard",
    "build_per_critical_w",
    "power_headroom_ratio",
]
MethodName = Literal["topsis", "promethee", "vikor"]
Score = Annotated[float, Field(ge=0, le=1)]
"""0 harmless, 1 the worst there is."""


def _weights(value: Any, weights: ValidatorFunctionWrapHandler) -> Any:
    if not isinstance(value, str):
        return weights(value)
    if value not in ("equal", "entropy"):
        raise ValueError("weights are `equal`, `entropy`, or a number for each criterion")
    return value


if TYPE_CHECKING:
    Weights = dict[str, float] | str
else:
    # Not a union for pydantic: each of its branches would tell a fault of its own for one wrong number.
    Weights = Annotated[dict[str, float], WrapValidator(_weights), PlainSerializer(lambda value: value)]


class Users(Spec):
    """People or services that talk to the hall."""

    place: str = Field(min_length=1, max_length=200)
    latitude_deg: float = Field(ge=-90, le=90)
    longitude_deg: float = Field(ge=-180, le=180)
    weight: float = Field(default=1.0, gt=0)
    """How much of the traffic is theirs; only the proportions count."""


class Hazards(Spec):
    """How much nature threatens a site, as scores from 0 to 1. What is left out is not known and counts nothing."""

    earthquake: Score | None = None
    flood: Score | None = None
    storm: Score | None = None
    wildfire: Score | None = None
    drought: Score | None = None
    natural: Score | None = None
    """One score for all of them together, where that is all there is."""
    source: str = Field(min_length=3)
    """Where they were read, and how far to trust them."""


class Incentives(Spec):
    """What a site's government or grid gives."""

    per_year: Money | None = None
    per_kwh: Money | None = None
    """For each kWh at the meter."""
    capital_ratio: float = Field(default=0.0, ge=0, le=1)
    """Share of building and plant that is paid by others."""
    source: str = Field(min_length=3)


class Policy(Spec):
    """Whether such a hall may be built there at all."""

    allowed: bool = True
    note: str | None = None
    """Law, permit or moratorium."""
    source: str | None = None


class Candidate(Spec):
    """One place where the hall may stand."""

    name: Name
    site: Site
    """As in a hall file; it takes the place of the hall's own. Paths are relative to the candidates file, and may begin with
    a folder from the environment, such as `${DATAHALL_SHARED:-../../shared}/…`: what follows `:-` stands in while it is not
    set."""
    means: str | None = None
    """Region in the means file that stands in where an hourly file is not there; without it, the candidate's name."""
    power_available_w: Watts | None = None
    """What the grid can deliver there, W; left out: not known."""
    build_per_critical_w: Money | None = None
    """Building, power and cooling plant for one W of IT; without it, the hall's."""
    build_source: str | None = None
    land: Money | None = None
    staff_cost_per_year: Money | None = None
    """Of one person; without it, the hall's."""
    incentives: Incentives | None = None
    hazards: Hazards | None = None
    policy: Policy = Policy()


class Constraints(Spec):
    """What must hold. A site that breaks one is out, whatever its scores."""

    min_power_w: Watts | None = None
    """Power that must be at hand; what the hall draws there at full load must fit in any case."""
    class_gb50174: Literal["A", "B"] | None = None
    """Class of GB 50174-2017 whose siting rules each site must keep."""
    advice_binds: bool = False
    """Whether what GB 50174 advises (`should`) excludes as well."""
    not_flood_prone: bool = False
    not_on_fault: bool = False
    min_access_roads: int | None = Field(default=None, ge=0)
    max_rtt_s: Seconds | None = None
    """Mean round trip to the users, weighted, s."""
    max_cue_kgco2e_per_kwh: float | None = Field(default=None, gt=0)
    """Location-based emissions of one kWh of IT."""
    max_pue: float | None = Field(default=None, gt=1)
    max_wue_l_per_kwh: float | None = Field(default=None, ge=0)
    max_energy_price_per_kwh: Money | None = None
    """Mean of the year."""
    max_hazard: Score | None = None
    max_unmet_cooling_h: int | None = Field(default=None, ge=0)
    """Hours of the year in which the hall's cooling is too small for the weather there."""


class Criterion(Spec):
    """One thing that matters."""

    measure: MeasureName
    better: Literal["less", "more"] | None = None
    """Which way is better; without it, the usual one."""


class Means(Spec):
    """Figures that stand in where an hourly file is not there: means of months and of the year."""

    climate: str = Field(min_length=1)
    """CSV with `region, quantity, month, h00 … h23`: means by month and hour of the local day; quantities dry_bulb_c (C) and
    humidity_ratio (relative, 0 to 1)."""
    annual: str = Field(min_length=1)
    """CSV with `region, carbon_kgco2e_per_kwh, price_per_kwh`: means of the year; an empty cell is not known."""
    currency: Currency = "USD"
    """Of the prices."""
    source: str = Field(min_length=8)


class Candidates(Spec):
    """The whole file."""

    schema_version: Literal[1]
    name: Name
    hall: str = Field(min_length=1)
    """Hall file, relative to this one: the same hall is built at each site."""
    candidates: tuple[Candidate, ...]
    users: tuple[Users, ...] = ()
    constraints: Constraints = Constraints()
    criteria: tuple[Criterion, ...]
    weights: Weights = "equal"
    """A number by criterion, or `equal`, or `entropy`: more where sites differ more. What the step from the worst to the best
    site is worth in each criterion; they sum to 1."""
    method: MethodName = "topsis"
    """Which method decides; all three are shown."""
    draws: int = Field(default=2000, ge=100, le=100_000)
    """How many weight vectors the ranking is tried under, around the given ones, and as many anywhere."""
    concentration: float = Field(default=50.0, gt=0, le=1e6)
    """How close the draws stay: a weight w varies by sqrt(w (1 - w) / (concentration + 1))."""
    seed: int = Field(default=1, ge=0, lt=2**63)
    means: Means | None = None
    note: str | None = Field(default=None, max_length=2000)
    """Printed with the result."""
