"""What may be asked about a model on a hall: options of `plan` and `explain`, and whether they go together."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from datahall.foundation.errors import Problem, Refused


def _option(text: str, group: str, *names: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=text, show_default=False, rich_help_panel=group, metavar=metavar)


TRAIN, SERVE, BOTH = "Train a model on the hall", "Serve a model on the hall", "Train or serve"


@dataclass(frozen=True, slots=True)
class Asked:
    """Options as they were typed."""

    train: Annotated[str | None, _option("A model's name, or its config.json.", TRAIN, metavar="MODEL")] = None
    tokens: Annotated[str | None, _option("Tokens of the run, such as 300B or 15T.", TRAIN)] = None
    sequence: Annotated[int | None, _option("Tokens of a sequence; without it, what the model was trained with.", TRAIN)] = None
    global_batch: Annotated[int | None, _option("Sequences in a step; without it, the model's published batch.", TRAIN)] = None
    stack: Annotated[str | None, _option("Training software by name, such as megatron-core.", TRAIN)] = None
    start: Annotated[int | None, _option("Hour of the year in which the run starts, 0 to 8759.", TRAIN)] = None
    launch: Annotated[str | None, _option("Write the plan for torchtitan, megatron-lm or datahall.", TRAIN)] = None
    serve: Annotated[str | None, _option("A model's name, or its config.json.", SERVE, metavar="MODEL")] = None
    input: Annotated[str | None, _option("Tokens of a prompt, on average.", SERVE)] = None
    output: Annotated[
        str | None, _option("Tokens of an answer, on average. Without --serve, the same as --report.", SERVE, metavar="TOKENS")
    ] = None
    requests_per_s: Annotated[float | None, _option("Requests that arrive; without it, as many as it carries.", SERVE)] = None
    concurrency: Annotated[int | None, _option("Requests in flight, each followed by the next.", SERVE)] = None
    ttft_p95: Annotated[str | None, _option("Time to first token of 95 in 100, such as 1s.", SERVE)] = None
    ttft_p99: Annotated[str | None, _option("The same of 99 in 100.", SERVE)] = None
    tpot_p95: Annotated[str | None, _option("Time of each further token, of 95 in 100, such as 50ms.", SERVE)] = None
    tpot_p99: Annotated[str | None, _option("The same of 99 in 100.", SERVE)] = None
    kv_precision: Annotated[str | None, _option("Of keys and values kept: bf16, fp8 …", SERVE)] = None
    engine: Annotated[str | None, _option("Serving software by name.", SERVE)] = None
    prefix_hit_ratio: Annotated[float | None, _option("Share of prompts that was read before, 0 to 1.", SERVE)] = None
    accelerators: Annotated[int | None, _option("At most so many of the hall; without it, all of a kind.", BOTH)] = None
    accelerator: Annotated[str | None, _option("Which kind, where the hall has several.", BOTH)] = None
    precision: Annotated[str | None, _option("fp32, bf16, fp16, fp8 or nvfp4.", BOTH)] = None
    pin: Annotated[
        list[str] | None,
        _option("A field of the plan that is given, such as tensor=8; several times.", BOTH, metavar="FIELD=VALUE"),
    ] = None

    @property
    def any(self) -> bool:
        """Whether a question about a model is asked."""
        return self.train is not None or self.serve is not None


TRAIN_ONLY = {
    "tokens": "--tokens", "sequence": "--sequence", "global_batch": "--global-batch", "stack": "--stack", "start": "--start",
    "launch": "--launch",
}  # fmt: skip
SERVE_ONLY = {
    "input": "--input", "output": "--output", "requests_per_s": "--requests-per-s", "concurrency": "--concurrency",
    "ttft_p95": "--ttft-p95", "ttft_p99": "--ttft-p99", "tpot_p95": "--tpot-p95", "tpot_p99": "--tpot-p99",
    "kv_precision": "--kv-precision", "engine": "--engine", "prefix_hit_ratio": "--prefix-hit-ratio",
}  # fmt: skip
EITHER = {"accelerators": "--accelerators", "accelerator": "--accelerator", "precision": "--precision", "pin": "--pin"}
SAME = {"sequence": "--sequence", "global_batch": "--global-batch", "precision": "--precision"}
"""Fields of a plan that have an option of their own."""


def checked(asked: Asked, *, page: bool = True) -> Asked:
    """The same, when the options go together. Raises Refused with every pair that does not, both named.

    page: whether the command writes one, to which `--output` without `--serve` leads.
    """
    if problems := [*_contradictions(asked, page=page), *_lacking(asked), *_pins(asked)]:
        raise Refused(problems)
    return asked


def _contradictions(asked: Asked, *, page: bool) -> Iterator[Problem]:
    """CLI-031: two options that contradict, or one that needs another."""
    if asked.train is not None and asked.serve is not None:
        what = "--train and --serve are two questions"
        yield Problem("CLI-031", "--train, --serve", what, "ask one after the other: each takes accelerators of its own")
        return
    if asked.train is not None:
        yield from _belongs(asked, SERVE_ONLY, to="--serve", but="--train")
    elif asked.serve is not None:
        yield from _belongs(asked, TRAIN_ONLY, to="--train", but="--serve")
    else:
        without_output = {field: option for field, option in SERVE_ONLY.items() if field != "output" or not page}
        yield from _needs(asked, TRAIN_ONLY, "--train MODEL")
        yield from _needs(asked, without_output, "--serve MODEL")
        yield from _needs(asked, EITHER, "--train MODEL or --serve MODEL")
    if asked.requests_per_s is not None and asked.concurrency is not None:
        what = "--requests-per-s and --concurrency are both given: requests come at a rate, or each follows an answer"
        yield Problem("CLI-031", "--requests-per-s, --concurrency", what, "keep one of them")


def _belongs(asked: Asked, options: dict[str, str], *, to: str, but: str) -> Iterator[Problem]:
    for field, option in options.items():
        if getattr(asked, field) is not None:
            what = f"{option} belongs to {to}, but {but} is asked"
            yield Problem("CLI-031", f"{option}, {but}", what, f"leave out {option}, or ask {to} instead of {but}")


def _needs(asked: Asked, options: dict[str, str], other: str) -> Iterator[Problem]:
    for field, option in options.items():
        if getattr(asked, field):
            yield Problem("CLI-031", option, f"{option} says nothing without {other}", f"add {other}, or leave out {option}")


def _lacking(asked: Asked) -> Iterator[Problem]:
    """CLI-032: what a question cannot do without."""
    if asked.train is not None and asked.serve is None and asked.tokens is None:
        yield Problem("CLI-032", "--tokens", "a training run reads a number of tokens", "add --tokens, such as --tokens 300B")
    if asked.serve is not None and asked.train is None:
        for option, value, of in (("--input", asked.input, "prompt"), ("--output", asked.output, "answer")):
            if value is None:
                what = f"how long a request takes depends on the tokens of its {of}"
                yield Problem("CLI-032", option, what, f"add {option}, such as {option} {2000 if of == 'prompt' else 500}")


def _pins(asked: Asked) -> Iterator[Problem]:
    """CLI-033: a pin is `field=value`, once for each field, and no field that has an option of its own."""
    seen = set[str]()
    for pin in asked.pin or ():
        field, equals, value = pin.partition("=")
        field = field.strip().replace("-", "_")
        if not equals or not field or not value.strip():
            yield Problem("CLI-033", "--pin", f"{pin[:80]!a} is no field with its value", "write it as --pin tensor=8")
        elif field in seen:
            yield Problem("CLI-033", "--pin", f"{field} is pinned twice", f"keep one --pin {field}=…")
        elif field in SAME:
            what = f"--pin {field} and {SAME[field]} say the same"
            yield Problem("CLI-033", f"--pin, {SAME[field]}", what, f"say it by {SAME[field]} {value.strip()[:40]}")
        seen.add(field)


def pinned(asked: Asked) -> dict[str, int | str | bool | None]:
    """Fields and values of `--pin`; numbers, true, false and none as such."""
    pairs = (pin.partition("=") for pin in asked.pin or ())
    return {field.strip().replace("-", "_"): _value(value.strip()) for field, _, value in pairs}


def _value(text: str) -> int | str | bool | None:
    words: dict[str, bool | None] = {"true": True, "yes": True, "false": False, "no": False}
    if text.casefold() in words:
        return words[text.casefold()]
    return int(text) if text.isascii() and text.isdecimal() else text
