"""The figures of a forecast of serving, each with its formula, its inputs and its source: what `explain` shows."""

from math import ceil

from datahall.models.inference.result import ServingMemory
from datahall.planner.figures import Figure
from datahall.planner.ledger import Ledger
from datahall.planner.serving.choose import asked_of
from datahall.planner.serving.result import Part, Served
from datahall.planner.serving.settle import Settled
from datahall.planner.serving.trials import REPORTED, Trials

MODEL = "models/inference: kernels and collectives, added up; `datahall validate --tables serving` says how far to trust it"
OFF = "models/inference/uncertainty: errors on published rows of models and software that nothing was fitted on"
PLAYED = "models/inference/simulate: the engine's scheduler, event by event"


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
        about, formula = (
            "requests of one replica",
            "highest that four in five seeds keep the level under, or a share of what is asked",
        )
        rate = self.computed("replica_requests_per_s", served.requests_per_s, "1/s", formula, inputs, about)
        count = self.given("replicas", served.replicas, "1", "what is asked / what one carries, rounded up; else all that fit")
        each = self.ledger.figures["serve_replica_accelerators"]
        serving = self.computed("accelerators", served.accelerators, "1", "replicas × accelerators of one", [count, each])
        self.needed(settled, [rate, each])
        formula = "replicas × rate of one"
        total = self.computed("requests_per_s", served.hall_requests_per_s, "1/s", formula, [count, rate], "requests of all")
        answer, formula = self.ledger.figures["serve_output_tokens"], "requests × output tokens"
        tokens = self.computed(
            "tokens_per_s", served.hall_tokens_per_s, "1/s", formula, [total, answer], "output tokens of all"
        )
        for end, value in zip(("low", "high"), self.trials.interval(tokens.value), strict=True):
            about = f"output tokens of all, {end} end of an 80 % interval"
            self.computed(f"tokens_per_s_{end}", value, "1/s", "tokens × measured / predicted", [tokens], about, OFF)
        each_s, formula = served.tokens_per_s_per_accelerator, "tokens / accelerators"
        self.computed("tokens_per_s_per_accelerator", each_s, "1/s", formula, [tokens, serving])
        self.times(settled, [rate, *inputs])

    def needed(self, settled: Settled, inputs: list[Figure]) -> None:
        """For what is asked, be it more than there are; without, those that serve."""
        asked, each = asked_of(self.trials.request), self.served.way.accelerators
        replicas = max(self.served.replicas, ceil(asked / settled.amount - 1e-9)) if asked else self.served.replicas
        formula = "load asked / load of one replica, rounded up, × accelerators of one"
        self.computed("accelerators_needed", replicas * each, "1", formula, inputs, "accelerators for what is asked")

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

    def given(self, name: str, value: float, unit: str, source: str, about: str = "", *, assumed: bool = False) -> Figure:
        return self.ledger.given(f"serve_{name}", value, unit, source=source, about=about, assumed=assumed)

    def computed(  # noqa: PLR0917 - the columns of a table, in its order
        self, name: str, value: float, unit: str, formula: str, inputs: list[Figure], about: str = "", source: str = ""
    ) -> Figure:
        return self.ledger.computed(f"serve_{name}", value, unit, formula=formula, inputs=inputs, about=about, source=source)
