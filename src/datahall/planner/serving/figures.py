"""The figures of a forecast of serving, each with its formula, its inputs and its source: what `explain` shows."""

from collections.abc import Iterator

from datahall.models.inference.result import ServingMemory
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger
from datahall.planner.serving.result import Part, Served
from datahall.planner.serving.settle import Settled
from datahall.planner.serving.spend import Spent
from datahall.planner.serving.trials import REPORTED, Trials
from datahall.planner.training.draw import COMPUTING, COMPUTING_SOURCE, EXCHANGING, EXCHANGING_SOURCE

MODEL = "models/inference: kernels and collectives, added up; `datahall validate --tables serving` says how far to trust it"
PLAYED = "models/inference/simulate: the engine's scheduler, event by event"
MILLION = 1e6


class ServeFigures:
    """Enters them one after the other, as each rests on those before."""

    def __init__(self, ledger: Ledger, trials: Trials, served: Served) -> None:
        self.ledger, self.trials, self.served = ledger, trials, served

    def asked(self) -> list[Figure]:
        """The request's own numbers."""
        request = self.trials.request
        given = {"input_tokens": "1", "output_tokens": "1", "prefix_hit_ratio": "1", "length_cv_ratio": "1"}
        found = [self.given(name, getattr(request, name), unit, "as asked") for name, unit in given.items()]
        loads = (("requests_per_s", "1/s"), ("concurrency", "1"))
        found += [self.given(f"asked_{n}", value, unit, "as asked") for n, unit in loads if (value := getattr(request, n))]
        return found + [self.given(f"asked_{n}", limit, "s", "as asked") for n, limit in request.limits().items() if limit]

    def way(self) -> list[Figure]:
        """What was chosen, or pinned."""
        way, request = self.served.way, self.trials.request
        pinned = {"tensor", "pipeline", "expert", "chunk_tokens", "batch_limit"}
        found = []
        for name in ("tensor", "pipeline", "data", "expert", "chunk_tokens", "batch_limit", "prefill_accelerators"):
            why = "as asked" if name in pinned and getattr(request, name) else "chosen by the sweep over all ways that fit"
            found.append(self.given(name, getattr(way, name), "1", why))
        return [
            *found,
            self.given("replica_accelerators", way.accelerators, "1", "tensor × pipeline × data, and those of prefill"),
        ]

    def memory(self, parts: tuple[Part, ...], memory: ServingMemory, *, kv_bytes: float, kv_capacity_tokens: float) -> None:
        """Of one accelerator, and the room that it leaves."""
        source = "models/inference/memory"
        held = [
            self.given(f"memory_{part.name}_bytes", part.value, "B", source, f"{part.name} on one accelerator")
            for part in parts
        ]
        self.computed("memory_bytes", memory.device, "B", "Σ parts", held, "of one accelerator, what stays free included")
        each = self.given("kv_bytes_per_token", kv_bytes, "B", source, "of one token, on one accelerator")
        room = next((figure for figure in held if figure.name == "serve_memory_kv_bytes"), held[0])
        about = "tokens whose keys and values one replica keeps at once"
        self.computed("kv_capacity_tokens", kv_capacity_tokens, "1", "room / bytes of a token × data", [room, each], about)

    def steps(self, decode: tuple[Part, ...], prefill: tuple[Part, ...]) -> list[Figure]:
        """One decoding step at the mean batch, and one prompt alone."""
        found = []
        for name, parts, about in (
            ("decode_step", decode, "one step at the mean batch"),
            ("prefill", prefill, "one prompt, alone"),
        ):
            inputs = [self.given(f"{name}_{part.name}_s", part.value, "s", MODEL, f"{about}: {part.name}") for part in parts]
            found.append(self.computed(f"{name}_s", sum(part.value for part in parts), "s", "Σ parts", inputs, about))
        return found

    def load(self, settled: Settled, inputs: list[Figure]) -> None:
        """What the fleet carries, and how long it takes."""
        served = self.served
        about, formula = "requests of one replica", "highest that keeps the level, or a share of what is asked"
        rate = self.computed("replica_requests_per_s", served.requests_per_s, "1/s", formula, inputs, about)
        count = self.given("replicas", served.replicas, "1", "what is asked / what one carries, rounded up; else all that fit")
        self.ledger.figures["accelerators"]
        each = self.ledger.figures["serve_replica_accelerators"]
        self.computed(
            "accelerators_needed", served.accelerators, "1", "replicas × accelerators of one", [count, each], "accelerators"
        )
        total = self.computed(
            "requests_per_s", served.hall_requests_per_s, "1/s", "replicas × rate of one", [count, rate], "requests of all"
        )
        answer = self.ledger.figures["serve_output_tokens"]
        tokens = self.computed(
            "tokens_per_s", served.hall_tokens_per_s, "1/s", "requests × output tokens", [total, answer], "output tokens of all"
        )
        needed = self.ledger.figures["serve_accelerators_needed"]
        self.computed(
            "tokens_per_s_per_accelerator",
            served.tokens_per_s_per_accelerator,
            "1/s",
            "tokens / accelerators",
            [tokens, needed],
        )
        self.times(settled, [rate, *inputs])

    def times(self, settled: Settled, inputs: list[Figure]) -> None:
        """Percentiles over requests, the median over seeds, and the spread of the 95th."""
        request = self.trials.request
        formula = f"percentile over requests; median of {request.trials} trials of {REPORTED:,}, seeds from {request.seed}"
        for name, words in (("ttft", "time to first token"), ("tpot", "time per output token")):
            for share in ("p50", "p95", "p99"):
                value = getattr(getattr(self.served, name), share)
                self.computed(f"{name}_{share}_s", value, "s", formula, inputs, f"{words}, {share}", PLAYED)
            spread = settled.interval(f"{name}_s")
            for end in ("low", "high"):
                about = f"{words}, p95: the {end}est of the seeds"
                self.computed(
                    f"{name}_p95_{end}_s", getattr(spread, end), "s", f"{end}est of the trials", inputs, about, PLAYED
                )
        self.given(
            "utilisation_ratio",
            self.served.utilisation_ratio,
            "1",
            "rate / highest steady rate of the way",
            "load of a replica",
        )
        self.given("busy_ratio", settled.busy_ratio, "1", PLAYED, "share of the time in which a step runs")
        self.given("batch_mean", self.served.batch_mean, "1", PLAYED, "sequences of one replica that decode at once")

    def spent(self, spent: Spent, step: Figure) -> None:
        """Energy, money, emissions and water of an output token: what reading its prompt takes is in it."""
        served, used = self.served, spent.used
        tokens = self.ledger.figures["serve_tokens_per_s"]
        count = self.ledger.figures["serve_accelerators_needed"]
        year = served.hall_tokens_per_s * 3600 * spent.hours
        draw = self.computed(
            "server_w",
            spent.draw.mean_w,
            "W",
            "idle + busy × (draw of a step − idle)",
            list(self._draw(step)),
            "one server, mean",
        )
        it = self.computed(
            "it_w", spent.it_w, "W", "servers × draw + share of all other equipment", [draw, count], "IT that serves"
        )
        hall = self.ledger.figures["it_energy_kwh"]
        pue = self.computed(
            "pue",
            spent.pue,
            "1",
            "Σ hours facility / Σ hours IT, with this load in the hall",
            [it, hall],
            "of the hall's year under this load",
        )
        energy = self.computed(
            "energy_wh_per_token",
            used.facility_kwh * 1e3 / year,
            "Wh",
            "IT draw × PUE / tokens per hour",
            [it, pue, tokens],
            "at the meter, for an output token",
        )
        self.computed(
            "energy_kwh_per_million_tokens",
            used.facility_kwh * MILLION / year,
            "kWh",
            "energy of a token × 1e6",
            [energy],
            "at the meter, a million output tokens",
        )
        self._money(spent, year, [energy, tokens, count])
        self._carbon(spent, year, [energy])

    def _draw(self, step: Figure) -> Iterator[Figure]:
        yield step
        yield self.ledger.figures["serve_busy_ratio"]
        yield self.given("computing_draw_ratio", COMPUTING, "1", COMPUTING_SOURCE, assumed=True)
        yield self.given("exchanging_draw_ratio", EXCHANGING, "1", EXCHANGING_SOURCE, assumed=True)

    def _money(self, spent: Spent, year: float, inputs: list[Figure]) -> None:
        if spent.cost_per_hour is None:
            self.ledger.lacks("economy, and prices of equipment", "cost of serving: the hall has no prices")
            return
        currency = self.ledger.loaded.hall.economy.currency
        lines = [
            self.given(
                f"cost_{name}_per_year",
                value,
                currency,
                "the hall's bill: its share by accelerators, energy and water by the meter",
            )
            for name, value in spent.lines.items()
        ]
        hour = self.computed(
            "cost_per_hour",
            spent.cost_per_hour,
            currency,
            "Σ lines / hours of a year",
            [*lines, *inputs[2:]],
            "all replicas, an hour",
        )
        about = "a million output tokens, at the load of this forecast all year"
        self.computed(
            "cost_per_million_tokens",
            sum(spent.lines.values()) * MILLION / year,
            currency,
            "cost of an hour / output tokens of an hour × 1e6",
            [hour, inputs[1]],
            about,
        )

    def _carbon(self, spent: Spent, year: float, inputs: list[Figure]) -> None:
        used = spent.used
        for name, value, about in (
            ("carbon_kgco2e_per_million_tokens", used.location_kgco2e, "operation, location-based"),
            ("carbon_market_kgco2e_per_million_tokens", used.market_kgco2e, "operation, market-based"),
        ):
            if value is not None:
                self.computed(
                    name, value * MILLION / year, "kgCO2e", "Σ hours energy × grid intensity / tokens × 1e6", inputs, about
                )
        if used.location_kgco2e is None:
            self.ledger.lacks("site.grid.carbon_kgco2e_per_kwh, or site.country", "emissions of serving")
        if used.water_m3 is not None:
            self.computed(
                "water_l_per_million_tokens",
                used.water_m3 * 1e3 * MILLION / year,
                "L",
                "Σ hours water of the IT's heat / tokens × 1e6",
                inputs,
                "evaporated and bled off",
            )

    def given(self, name: str, value: float, unit: str, source: str, about: str = "", *, assumed: bool = False) -> Figure:
        return self.ledger.given(f"serve_{name}", value, unit, source=source, about=about, assumed=assumed)

    def computed(  # noqa: PLR0917 - the columns of a table, in its order
        self, name: str, value: float, unit: str, formula: str, inputs: list[Figure], about: str = "", source: str = ""
    ) -> Figure:
        return self.ledger.computed(f"serve_{name}", value, unit, formula=formula, inputs=inputs, about=about, source=source)
