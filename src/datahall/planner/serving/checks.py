"""Whether a request can be answered at all: every rule in one run, each with the numbers that contradict and a way out."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from datahall.foundation.document import problems_of
from datahall.foundation.errors import Problem, Refused
from datahall.models.cost.spec import Architecture
from datahall.planner.serving.request import ServeRequest

WHERE = "serve"


def request_of(fields: Mapping[str, Any]) -> ServeRequest:
    """A request from what a user wrote. Raises Refused with every field that is unknown or out of range."""
    try:
        return ServeRequest(**fields)
    except ValidationError as error:
        raise Refused(problems_of(error, ServeRequest)) from None


def problems_of_request(request: ServeRequest, architecture: Architecture) -> list[Problem]:
    """All that keeps the request from being answered on any hall; empty where nothing does."""
    return [problem for rule in RULES for problem in rule(request, architecture)]


def one_load(request: ServeRequest, _: Architecture) -> Iterator[Problem]:
    """SERVE-101: arrivals come at a rate, or each follows an answer: not both."""
    if request.requests_per_s is not None and request.concurrency is not None:
        what = f"requests_per_s={request.requests_per_s:g} and concurrency={request.concurrency} are both given"
        fix = "keep requests_per_s for users who come by themselves, or concurrency for a fixed number of them"
        yield Problem("SERVE-101", f"{WHERE}.concurrency", what, fix)


def spread_of_lengths(request: ServeRequest, _: Architecture) -> Iterator[Problem]:
    """SERVE-102: `lengths` and `length_cv_ratio` say the same."""
    spread = request.length_cv_ratio > 0
    if spread != (request.lengths == "lognormal"):
        what = f"lengths={request.lengths}, but length_cv_ratio={request.length_cv_ratio:g}"
        fix = "set lengths to lognormal" if spread else "set length_cv_ratio above 0, such as 0.5, or lengths to fixed"
        yield Problem("SERVE-102", f"{WHERE}.length_cv_ratio", what, fix)


def within_context(request: ServeRequest, architecture: Architecture) -> Iterator[Problem]:
    """SERVE-103: prompt and answer together are no longer than what the model was made for."""
    tokens = request.input_tokens + request.output_tokens
    if architecture.positions != "alibi" and tokens > architecture.context:
        room = architecture.context - request.output_tokens
        what = (
            f"input_tokens={request.input_tokens:,} and output_tokens={request.output_tokens:,} are {tokens:,} tokens, "
            f"but {architecture.name} was made for {architecture.context:,}"
        )
        shorter = f"set input_tokens to {room:,} or fewer, or " if room >= 1 else f"set both to {architecture.context:,}, or "
        yield Problem("SERVE-103", f"{WHERE}.input_tokens", what, f"{shorter}choose a model with a longer context")


def ordered_levels(request: ServeRequest, _: Architecture) -> Iterator[Problem]:
    """SERVE-104: what 99 of 100 requests may take is no shorter than what 95 may."""
    for name, usual, rare in (
        ("ttft", request.ttft_p95_s, request.ttft_p99_s),
        ("tpot", request.tpot_p95_s, request.tpot_p99_s),
    ):
        if usual is not None and rare is not None and rare < usual:
            what = f"{name}_p99_s={rare:g} is shorter than {name}_p95_s={usual:g}, which it contains"
            yield Problem(
                "SERVE-104", f"{WHERE}.{name}_p99_s", what, f"set {name}_p99_s to {usual:g} or more, or leave one out"
            )


def writes_answers(_: ServeRequest, architecture: Architecture) -> Iterator[Problem]:
    """SERVE-105: only a decoder is forecast: it writes an answer token by token from the keys and values of its own prompt."""
    if architecture.kind != "decoder":
        kind = architecture.kind.replace("_", "-")
        why = "writes no answer" if kind == "encoder" else "reads its prompt once, outside of the steps that are timed here"
        what = f"{architecture.name} is an {kind}: it {why}, so prefill and decode do not describe it"
        yield Problem("SERVE-105", WHERE, what, "choose a decoder, such as llama3-8b; for memory alone use `datahall weigh`")


def experts_to_share(request: ServeRequest, architecture: Architecture) -> Iterator[Problem]:
    """SERVE-106: expert ranks divide the experts, of which there are some."""
    ranks = request.expert
    if ranks is None or ranks == 1:
        return
    if architecture.experts is None:
        what = f"expert={ranks}, but {architecture.name} has no experts"
        yield Problem("SERVE-106", f"{WHERE}.expert", what, "leave expert out, or choose a mixture of experts")
    elif architecture.experts.count % ranks:
        count = architecture.experts.count
        near = _divisors_around(ranks, count)
        what = f"expert={ranks} does not divide the {count} experts of {architecture.name}"
        yield Problem("SERVE-106", f"{WHERE}.expert", what, f"set expert to {near}")


def steps_with_room(request: ServeRequest, _: Architecture) -> Iterator[Problem]:
    """SERVE-107: a step takes at least one token of each sequence that decodes."""
    if request.chunk_tokens is not None and request.batch_limit is not None and request.chunk_tokens < request.batch_limit:
        what = (
            f"chunk_tokens={request.chunk_tokens:,} are fewer than batch_limit={request.batch_limit:,} sequences of one token"
        )
        fix = f"set chunk_tokens to {request.batch_limit:,} or more, or batch_limit to {request.chunk_tokens:,} or fewer"
        yield Problem("SERVE-107", f"{WHERE}.chunk_tokens", what, fix)


def loop_through_one_place(request: ServeRequest, _: Architecture) -> Iterator[Problem]:
    """SERVE-112: a closed loop is not simulated through a prefill pool."""
    if request.mode == "split" and request.concurrency is not None:
        what = f"mode=split and concurrency={request.concurrency}: a closed loop through a prefill pool is not simulated"
        yield Problem("SERVE-112", f"{WHERE}.mode", what, "give requests_per_s in place of concurrency, or set mode to mixed")


def _divisors_around(value: int, whole: int) -> str:
    below = max(n for n in range(1, min(value, whole) + 1) if whole % n == 0)
    above = next((n for n in range(value, whole + 1) if whole % n == 0), below)
    return " or ".join(f"{n}" for n in sorted({below, above}))


RULES = (
    one_load,
    spread_of_lengths,
    within_context,
    ordered_levels,
    writes_answers,
    experts_to_share,
    steps_with_room,
    loop_through_one_place,
)
