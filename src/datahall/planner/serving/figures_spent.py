"""Figures of what serving takes from the hall: draw, energy, money, emissions and water of an output token.

What reading the prompt takes is in them. Per million tokens at the load of the forecast, all hours of the year alike.
"""

from collections.abc import Iterator

from datahall.planner.figures import Figure
from datahall.planner.serving.figures import ServeFigures
from datahall.planner.serving.spend import Spent
from datahall.planner.shares import OF_USE
from datahall.planner.training.draw import COMPUTING, COMPUTING_SOURCE, EXCHANGING, EXCHANGING_SOURCE

MILLION = 1e6


class SpentFigures:
    """Enters them after those of the load."""

    def __init__(self, made: ServeFigures, spent: Spent, step: Figure) -> None:
        self.made, self.spent, self.step, self.ledger = made, spent, step, made.ledger
        self.tokens = self.ledger.figures["serve_tokens_per_s"]
        self.count = self.ledger.figures["serve_accelerators"]
        self.millions = self.tokens.value * 3600 * spent.hours / MILLION
        """Of output tokens in a year."""

    def all(self) -> None:
        """Draw first, then what follows from it."""
        energy = self._energy(self._it())
        self._money(energy)
        self._carbon(energy)
        if (water := self.spent.used.water_m3) is not None:
            formula, about = "Σ hours water for the IT's heat / tokens × 1e6", "evaporated and bled off"
            self.made.computed("water_l_per_million_tokens", water * 1e3 / self.millions, "L", formula, [energy], about)

    def _it(self) -> Figure:
        draw, formula = self.spent.draw, "idle + busy × (draw of a step − idle)"
        server = self.made.computed("server_w", draw.mean_w, "W", formula, list(self._draw()), "one server, mean")
        formula = "servers × draw + share of all other equipment"
        return self.made.computed("it_w", self.spent.it_w, "W", formula, [server, self.count], "IT that serves")

    def _draw(self) -> Iterator[Figure]:
        yield self.step
        yield self.ledger.figures["serve_busy_ratio"]
        yield self.made.given("computing_draw_ratio", COMPUTING, "1", COMPUTING_SOURCE, assumed=True)
        yield self.made.given("exchanging_draw_ratio", EXCHANGING, "1", EXCHANGING_SOURCE, assumed=True)

    def _energy(self, it: Figure) -> Figure:
        inputs = [it, self.tokens]
        if self.spent.has_cooling:
            formula, hall = "Σ hours facility / Σ hours IT", self.ledger.figures["it_energy_kwh"]
            about = "of the hall's year with this load in it"
            inputs.append(self.made.computed("pue", self.spent.pue, "1", formula, [hall], about))
        else:
            self.ledger.lacks("cooling, and site.weather", "what cooling takes: energy of serving is a lower bound")
        kwh, formula = self.spent.used.facility_kwh / self.millions, "IT draw × PUE / tokens of an hour"
        about = "at the meter, for an output token"
        token = self.made.computed("energy_wh_per_token", kwh * 1e3 / MILLION, "Wh", formula, inputs, about)
        about = "at the meter, for a million output tokens"
        return self.made.computed("energy_kwh_per_million_tokens", kwh, "kWh", "energy of a token × 1e6", [token], about)

    def _money(self, energy: Figure) -> None:
        cost = self.spent.cost_per_hour
        if cost is None:
            self.ledger.lacks("economy, and prices of equipment", "cost of serving: the hall has no prices")
            return
        currency, lines = self.ledger.loaded.hall.economy.currency, list(self._lines(energy))
        hour = self.made.computed("cost_per_hour", cost, currency, "Σ lines / hours of a year", lines, "all replicas, an hour")
        value, formula = sum(self.spent.lines.values()) / self.millions, "cost of an hour / output tokens of an hour × 1e6"
        about = "a million output tokens, at the load of this forecast all year"
        self.made.computed("cost_per_million_tokens", value, currency, formula, [hour, self.tokens], about)
        for gap in self.spent.without_price:
            self.ledger.lacks(gap.declare, f"cost of {gap.line}: cost of serving is a lower bound")

    def _lines(self, energy: Figure) -> Iterator[Figure]:
        """By the meter, or the share of the accelerators of the hall's own line."""
        currency, accelerators = self.ledger.loaded.hall.economy.currency, self.ledger.figures["accelerators"]
        for name, value in self.spent.lines.items():
            hall = self.ledger.figures[f"cost_{name}_per_year"]
            metered = name in OF_USE
            formula = "by the meter" if metered else "line of the hall × accelerators / all accelerators"
            inputs = [hall, energy] if metered else [hall, self.count, accelerators]
            yield self.made.computed(f"cost_{name}_per_year", value, currency, formula, inputs, f"{name}, a year")

    def _carbon(self, energy: Figure) -> None:
        used, formula = self.spent.used, "Σ hours energy × grid intensity / tokens × 1e6"
        for name, value, kind in (
            ("carbon_kgco2e_per_million_tokens", used.location_kgco2e, "location"),
            ("carbon_market_kgco2e_per_million_tokens", used.market_kgco2e, "market"),
        ):
            if value is not None:
                about = f"operation, {kind}-based"
                self.made.computed(name, value / self.millions, "kgCO2e", formula, [energy], about)
        if used.location_kgco2e is None:
            self.ledger.lacks("site.grid.carbon_kgco2e_per_kwh, or site.country", "emissions of serving")
