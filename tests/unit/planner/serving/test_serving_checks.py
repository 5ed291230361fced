import pytest

from datahall.foundation.errors import Refused
from datahall.models.cost.catalogue import architecture
from datahall.planner.serving.checks import problems_of_request, request_of
from datahall.planner.serving.request import ServeRequest


def told(model: str, **fields: object) -> list[tuple[str, str, str]]:
    request = ServeRequest(**{"input_tokens": 2000, "output_tokens": 500, **fields})
    return [(p.code, p.what, p.fix) for p in problems_of_request(request, architecture(model))]


def test_nothing_is_wrong_with_the_issue_s_question():
    """Given 2,000 tokens in and 500 out with both levels, no rule speaks."""
    assert told("llama3-70b", ttft_p95_s=1, tpot_p95_s=0.05) == []


@pytest.mark.parametrize(
    ("model", "fields", "code", "what", "fix"),
    [
        ("llama3-8b", {"requests_per_s": 2, "concurrency": 8}, "SERVE-101", "requests_per_s=2 and concurrency=8", "keep"),
        ("llama3-8b", {"length_cv_ratio": 0.5}, "SERVE-102", "lengths=fixed, but length_cv_ratio=0.5", "to lognormal"),
        ("llama3-8b", {"lengths": "lognormal"}, "SERVE-102", "length_cv_ratio=0", "lengths to fixed"),
        ("llama3-8b", {"input_tokens": 8000}, "SERVE-103", "8,500 tokens, but llama3-8b was made for 8,192", "7,692 or fewer"),
        ("llama3-8b", {"ttft_p95_s": 2, "ttft_p99_s": 1}, "SERVE-104", "ttft_p99_s=1 is shorter than", "set ttft_p99_s to 2"),
        ("llama3-8b", {"tpot_p95_s": 0.2, "tpot_p99_s": 0.1}, "SERVE-104", "tpot_p99_s=0.1", "set tpot_p99_s to 0.2"),
        ("llama3-8b", {"expert": 8}, "SERVE-106", "llama3-8b has no experts", "leave expert out"),
        ("deepseek-v3", {"expert": 12}, "SERVE-106", "does not divide the 256 experts", "set expert to 8 or 16"),
        ("llama3-8b", {"chunk_tokens": 64, "batch_limit": 128}, "SERVE-107", "chunk_tokens=64 are fewer", "batch_limit to 64"),
        ("llama3-8b", {"mode": "split", "concurrency": 8}, "SERVE-112", "mode=split and concurrency=8", "set mode to mixed"),
    ],
)  # fmt: skip
def test_a_contradiction_names_both_sides_and_a_way_out(model, fields, code, what, fix):
    """Given one slip, one problem names the numbers that contradict and the nearest that do not."""
    [(found, said, way)] = told(model, **fields)
    assert found == code
    assert what in said
    assert fix in way


@pytest.mark.parametrize(("model", "kind"), [("t5-11b", "an encoder-decoder"), ("bert-large", "an encoder")])
def test_only_a_decoder_is_served(model, kind):
    """Given a model that is no decoder, the refusal says what it is and what would do."""
    codes = {code: what for code, what, _ in told(model, input_tokens=100, output_tokens=100)}
    assert f"{model} is {kind}" in codes["SERVE-105"]


def test_every_field_out_of_range_is_told_at_once():
    """Given zero tokens, a negative rate and an unknown field, each is named."""
    with pytest.raises(Refused) as caught:
        request_of({"input_tokens": 0, "output_tokens": 500, "requests_per_s": -1.0, "outputs": 3})
    told = " ".join(str(problem) for problem in caught.value.problems)
    assert all(name in told for name in ("input_tokens", "requests_per_s", "outputs"))
