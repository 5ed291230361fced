"""Architectures from config.json: the figures as those models publish them, beside the rows of the catalogue."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datahall.foundation.errors import DatahallError, Missing, Refused
from datahall.models.cost.catalogue import architecture
from datahall.models.cost.hugging_face import from_hugging_face
from datahall.models.cost.hugging_face_types import TYPES
from datahall.models.cost.parameters import parameters_of
from datahall.models.cost.spec import Architecture, Attention, FeedForward

SHAPE = (
    "hidden_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "intermediate_size", "vocab_size",
    "max_position_embeddings",
)  # fmt: skip


def llama(shape: tuple[int, ...], model_type: str = "llama", **more: Any) -> dict[str, Any]:
    return {"model_type": model_type, "tie_word_embeddings": False} | dict(zip(SHAPE, shape, strict=True)) | more


LLAMA3 = llama((4096, 32, 32, 8, 14336, 128256, 8192), hidden_act="silu", torch_dtype="bfloat16", rope_theta=500000.0)
MLA = {"kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "q_lora_rank": 1536}
DEEPSEEK_V3 = llama((7168, 61, 128, 128, 18432, 129280, 163840), "deepseek_v3", **MLA, moe_intermediate_size=2048,
    n_routed_experts=256, n_shared_experts=1, num_experts_per_tok=8, first_k_dense_replace=3, moe_layer_freq=1,
    num_nextn_predict_layers=1, n_group=8, topk_group=4, quantization_config={"quant_method": "fp8"})  # fmt: skip
MPT = {"model_type": "mpt", "d_model": 4096, "n_heads": 32, "n_layers": 32, "expansion_ratio": 4, "max_seq_len": 2048,
    "vocab_size": 50432, "attn_config": {"alibi": True}, "no_bias": True, "learned_pos_emb": True}  # fmt: skip
GPT_NEOX = {"model_type": "gpt_neox", "hidden_size": 6144, "num_hidden_layers": 44, "num_attention_heads": 64,
    "intermediate_size": 24576, "vocab_size": 50432, "max_position_embeddings": 2048, "tie_word_embeddings": False,
    "use_parallel_residual": True}  # fmt: skip
T5 = {"model_type": "t5", "d_model": 768, "d_ff": 3072, "d_kv": 64, "num_heads": 12, "num_layers": 12, "n_positions": 512,
    "vocab_size": 32128, "relative_attention_num_buckets": 32}  # fmt: skip

IN_CATALOGUE = {
    "llama3-8b": LLAMA3,
    "llama2-70b": llama((8192, 80, 64, 8, 28672, 32000, 4096)),
    "llama3.2-1b": llama((2048, 16, 32, 8, 8192, 128256, 131072), head_dim=64, tie_word_embeddings=True),
    "mistral-7b": llama((4096, 32, 32, 8, 14336, 32768, 32768), "mistral", sliding_window=None),
    "mixtral-8x7b": llama((4096, 32, 32, 8, 14336, 32000, 32768), "mixtral", num_local_experts=8, num_experts_per_tok=2),
    "qwen2.5-72b": llama((8192, 80, 64, 8, 29568, 152064, 131072), "qwen2", use_sliding_window=False, sliding_window=131072),
    "qwen3-4b": llama((2560, 36, 32, 8, 9728, 151936, 40960), "qwen3", head_dim=128, tie_word_embeddings=True),
    "qwen3-235b-a22b": llama((4096, 94, 64, 4, 12288, 151936, 40960), "qwen3_moe", head_dim=128, num_experts=128,
        num_experts_per_tok=8, moe_intermediate_size=1536, decoder_sparse_step=1, mlp_only_layers=[]),
    "deepseek-v3": DEEPSEEK_V3,
    "deepseek-v2": llama((5120, 60, 128, 128, 12288, 102400, 163840), "deepseek_v2", **MLA, moe_intermediate_size=1536,
        n_routed_experts=160, n_shared_experts=2, num_experts_per_tok=6, first_k_dense_replace=1, moe_layer_freq=1,
        n_group=8, topk_group=3, topk_method="group_limited_greedy"),
    "nemotron-15b": llama((6144, 32, 48, 8, 24576, 256000, 4096), "nemotron", hidden_act="relu2", head_dim=None),
    "gpt2-1.5b": {"model_type": "gpt2", "n_embd": 1600, "n_layer": 48, "n_head": 25, "n_positions": 1024, "n_ctx": 1024,
        "vocab_size": 50257},
    "gpt-neox-20b": GPT_NEOX,
    "bloom-7.1b": {"model_type": "bloom", "n_embed": 4096, "n_layer": 30, "num_attention_heads": 32, "seq_length": 2048,
        "vocab_size": 250880},
    "opt-66b": {"model_type": "opt", "hidden_size": 9216, "num_hidden_layers": 64, "num_attention_heads": 72, "ffn_dim": 36864,
        "max_position_embeddings": 2048, "vocab_size": 50272, "word_embed_proj_dim": 9216, "do_layer_norm_before": True},
    "falcon-7b": {"model_type": "falcon", "hidden_size": 4544, "num_hidden_layers": 32, "num_attention_heads": 71,
        "vocab_size": 65024, "multi_query": True, "parallel_attn": True, "bias": False, "alibi": False},
    "falcon-40b": {"model_type": "falcon", "hidden_size": 8192, "num_hidden_layers": 60, "num_attention_heads": 128,
        "num_kv_heads": 8, "vocab_size": 65024, "new_decoder_architecture": True, "bias": False},
    "mpt-7b-released": MPT,
    "gpt-oss-120b": llama((2880, 36, 64, 8, 2880, 201088, 131072), "gpt_oss", head_dim=64, num_local_experts=128,
        num_experts_per_tok=4, sliding_window=128, attention_bias=True),
    "t5-base": T5,
    "bert-large": {"model_type": "bert", "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
        "intermediate_size": 4096, "vocab_size": 30522, "max_position_embeddings": 512},
}  # fmt: skip


def plain(row: Architecture) -> dict[str, Any]:
    """All but name and source, and what only says its own default left out."""
    data = row.model_dump(exclude={"name", "source"})
    attention = data["attention"]
    if attention.get("kv_heads") == attention["heads"]:
        attention["kv_heads"] = None
    if (attention.get("head_dim") or 0) * attention["heads"] == data["hidden"]:
        attention["head_dim"] = None
    return data


@pytest.mark.parametrize(("name", "config"), IN_CATALOGUE.items())
def test_published_config_says_what_the_catalogue_says(name, config):
    """Given the config.json that a model publishes, it is read as the row that was typed from its paper."""
    assert plain(from_hugging_face(config)) == plain(architecture(name))


@pytest.mark.parametrize(
    ("config", "total"),
    [
        # Exact counts of the released weights, as their model cards show them.
        (llama((3072, 28, 16, 16, 24576, 256000, 8192), "gemma", head_dim=256, tie_word_embeddings=True), 8_537_680_896),
        (llama((3584, 42, 16, 8, 14336, 256000, 8192), "gemma2", head_dim=256, tie_word_embeddings=True), 9_241_705_984),
        (llama((3072, 32, 32, 32, 8192, 32064, 4096), "phi3", sliding_window=2047), 3_821_079_552),
        (
            llama((2048, 24, 16, 16, 5632, 151936, 8192), "qwen2_moe", num_experts=60, num_experts_per_tok=4,
                moe_intermediate_size=1408, shared_expert_intermediate_size=5632, decoder_sparse_step=1),
            14_315_784_192 - 24 * 2048,  # the gate of the shared expert is not counted
        ),
    ],
)  # fmt: skip
def test_types_outside_the_catalogue_have_the_published_size(config, total):
    """Given Gemma 7B, Gemma 2 9B, Phi-3 mini and Qwen1.5-MoE, all parameters are counted."""
    assert parameters_of(from_hugging_face(config)).total == total


def test_file_folder_and_mapping_say_the_same(tmp_path):
    """Given a downloaded model's folder, its config.json is read, and the folder names the model."""
    folder = tmp_path / "Meta-Llama_3 8B"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(LLAMA3, indent=2))
    found = from_hugging_face(folder)
    assert found == from_hugging_face(str(folder / "config.json")) and found.name == "meta-llama-3-8b"
    assert plain(found) == plain(from_hugging_face(LLAMA3)) and "model_type 'llama'" in found.source
    assert from_hugging_face(LLAMA3, name="mine").name == "mine"
    assert from_hugging_face(LLAMA3 | {"_name_or_path": "meta-llama/Llama-3-8B"}).name == "llama-3-8b"


def test_groups_of_experts_count_only_where_they_limit():
    """Given a router that picks greedily, or from all groups, none are kept; more of them than there are is refused."""
    for change in ({"topk_method": "greedy"}, {"topk_group": 8}, {"n_group": 1, "topk_group": 1}):
        experts = from_hugging_face(DEEPSEEK_V3 | change).experts
        assert experts is not None and (experts.groups, experts.active_groups) == (1, None)
    with pytest.raises(Refused, match=r"COST-006.*topk_group.*9, more than the 8 of `n_group`"):
        from_hugging_face(DEEPSEEK_V3 | {"topk_group": 9})


def test_unknown_type_with_llamas_fields_is_read_and_says_so():
    """Given a model_type nobody has heard of, llama's fields are read, experts too, and the source says it was a guess."""
    found = from_hugging_face(LLAMA3 | {"model_type": "yi_next"})
    assert plain(found) == plain(architecture("llama3-8b")) and "generically" in found.source
    more = {"n_routed_experts": 16, "num_experts_per_tok": 2, "moe_intermediate_size": 512, "n_shared_experts": 1}
    experts = from_hugging_face(LLAMA3 | {"model_type": "new_moe"} | more).experts
    assert experts is not None and (experts.count, experts.shared) == (16, 1)


def test_text_part_of_a_model_that_sees_is_read():
    """Given a config with a text_config, its text part is planned, and the source says so."""
    found = from_hugging_face({"model_type": "llava", "text_config": LLAMA3, "vision_config": {"hidden_size": 1024}})
    assert found.hidden == 4096 and "text part only" in found.source


def problems(config: Any, **changed: Any) -> list[tuple[str, str]]:
    with pytest.raises(Refused, match="COST-") as caught:
        from_hugging_face({key: value for key, value in (config | changed).items() if value != "gone"})
    return [(problem.code, problem.where.rpartition(" ")[2]) for problem in caught.value.problems]


def test_everything_missing_is_said_at_once():
    """Given a config without width and vocabulary, two problems name them; the type's class knows its context."""
    gone = dict.fromkeys(("intermediate_size", "vocab_size", "max_position_embeddings"), "gone")
    assert problems(LLAMA3, **gone) == [("COST-003", "vocab_size"), ("COST-003", "intermediate_size")]
    assert problems(IN_CATALOGUE["mistral-7b"], num_key_value_heads="gone") == [("COST-003", "num_key_value_heads")]
    assert problems(DEEPSEEK_V3, kv_lora_rank="gone", v_head_dim="gone") == [
        ("COST-003", "kv_lora_rank"),
        ("COST-003", "v_head_dim"),
    ]


@pytest.mark.parametrize(
    ("config", "changed", "both"),
    [
        (LLAMA3, {"num_attention_heads": 33, "num_key_value_heads": 33}, ("hidden_size", "num_attention_heads")),
        (LLAMA3, {"num_key_value_heads": 5}, ("num_attention_heads", "num_key_value_heads")),
        (IN_CATALOGUE["mixtral-8x7b"], {"num_experts_per_tok": 9}, ("num_experts_per_tok", "num_local_experts")),
        (DEEPSEEK_V3, {"first_k_dense_replace": 62}, ("first_k_dense_replace", "num_hidden_layers")),
        (IN_CATALOGUE["gpt2-1.5b"], {"n_ctx": 2048}, ("n_positions", "n_ctx")),
    ],
)
def test_contradiction_is_one_problem_that_names_both_fields(config, changed, both):
    """Given two fields that cannot both be right, one problem names both and their values."""
    with pytest.raises(Refused, match="COST-006") as caught:
        from_hugging_face(config | changed)
    [problem] = caught.value.problems
    assert all(f"`{field}`" in problem.what for field in both)


@pytest.mark.parametrize("value", ["32", 32.0, True, 0, -4, 10**400, [32], {"a": 1}])
def test_figure_that_is_no_count_of_layers_is_one_problem(value):
    """Given something else than a whole number from 1 to 10,000 for the layers, one problem says what it is."""
    assert problems(LLAMA3, num_hidden_layers=value) == [("COST-004", "num_hidden_layers")]


def test_flag_that_is_no_flag_is_one_problem():
    """Given a text where true or false stands, it is not guessed at."""
    assert problems(LLAMA3, tie_word_embeddings="no") == [("COST-004", "tie_word_embeddings")]


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (LLAMA3 | {"model_type": "jamba", "mamba_d_state": 16}, "mamba_d_state"),
        (LLAMA3 | {"model_type": "lfm", "layer_types": ["conv", "full_attention"]}, "layer_types"),
        ({"model_type": "resnet", "depths": [3, 4, 6, 3]}, "model_type"),
        ({}, "model_type"),
        (IN_CATALOGUE["qwen3-235b-a22b"] | {"mlp_only_layers": [3, 7]}, "mlp_only_layers"),
    ],
)
def test_what_cannot_be_counted_is_refused(config, field):
    """Given layers that are not attention, or no transformer at all, one problem says so instead of a wrong count."""
    assert problems(config) == [("COST-005", field)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON"), ("[1]", "JSON object"), ('{"vocab_size": NaN}', "NaN"), ('{"a": 1, "a": 2}', "'a' is there twice"),
        ("[" * 100_000, "nested"), ('{"a": ' + "9" * 5000 + "}", "not JSON"), ("import os", "no configuration"),
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_one_problem(tmp_path, text, said):
    """Given a file that is not one JSON object, one problem says why."""
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(Refused, match=said) as caught:
        from_hugging_face(path)
    assert [problem.code for problem in caught.value.problems] == ["COST-002"]


def test_problem_in_a_file_says_the_line(tmp_path):
    """Given a bad figure on line 4 of a file, the problem says that line."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(LLAMA3 | {"hidden_size": "wide"}, indent=1))
    with pytest.raises(Refused, match=r"config\.json:4 hidden_size: COST-004"):
        from_hugging_face(path)


def test_no_file_is_missing(tmp_path):
    """Given a folder without a config.json, the problem says that there is none."""
    with pytest.raises(Missing, match="DOC-001"):
        from_hugging_face(tmp_path)


def config_of(row: Architecture) -> dict[str, Any]:
    """A llama config.json of a dense decoder."""
    assert isinstance(row.attention, Attention)
    kv_heads = row.attention.kv_heads or row.attention.heads
    shape = (row.hidden, row.layers, row.attention.heads, kv_heads, row.feed_forward.width, row.vocab, row.context)
    flags = {"attention_bias": row.attention.bias, "mlp_bias": row.feed_forward.bias}
    written = llama(shape, tie_word_embeddings=row.tied_embeddings, **flags)
    return written | ({"head_dim": row.attention.head_dim} if row.attention.head_dim else {})


@st.composite
def rows(draw: st.DrawFn) -> Architecture:
    kv_heads, groups, dim = draw(st.integers(1, 16)), draw(st.integers(1, 16)), draw(st.integers(1, 256))
    heads = kv_heads * groups
    free = draw(st.booleans())
    return Architecture(
        name="drawn", layers=draw(st.integers(1, 200)), vocab=draw(st.integers(2, 300_000)),
        context=draw(st.integers(1, 10**6)),
        hidden=draw(st.integers(1, 30_000)) if free else heads * dim,
        attention=Attention(heads=heads, kv_heads=kv_heads, head_dim=dim if free else None, bias=draw(st.booleans())),
        feed_forward=FeedForward(width=draw(st.integers(1, 10**6)), gated=True, bias=draw(st.booleans())),
        tied_embeddings=draw(st.booleans()), source="drawn for a test",
    )  # fmt: skip


@given(row=rows())
@settings(deadline=None)
def test_llama_written_and_read_is_the_same(row):
    """Given any dense llama, its config.json is read as it was."""
    assert plain(from_hugging_face(json.loads(json.dumps(config_of(row))))) == plain(row)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
FIELDS = sorted(
    {field for config in IN_CATALOGUE.values() for field in config} | {"text_config", "mlp_only_layers", "layer_types"}
)


@given(
    base=st.sampled_from([*IN_CATALOGUE.values(), {}]),
    changed=st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=9), JUNK, max_size=4),
    kind=st.none() | st.sampled_from(sorted(TYPES)) | JUNK,
    name=st.none() | st.text(max_size=5),
)
@settings(deadline=None, max_examples=400)
def test_junk_is_answered_with_problems(base, changed, kind, name):
    """Given any junk in any field, the answer is an architecture or problems, and never another error."""
    config = base | changed | ({} if kind is None else {"model_type": kind})
    try:
        found = from_hugging_face(config, name=name)
    except DatahallError as error:
        assert error.problems and all(problem.what and problem.fix for problem in error.problems)
    else:
        assert parameters_of(found).total > 0


@given(text=st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
@settings(deadline=None, max_examples=60)
def test_any_text_is_answered_with_problems(tmp_path_factory, text):
    """Given any text as a file, it is refused in words."""
    path = tmp_path_factory.mktemp("junk") / "config.json"
    path.write_text(text)
    with pytest.raises(DatahallError, match=r"COST-|DOC-"):
        from_hugging_face(path)


def test_a_file_of_another_name_gives_the_model_its_name(tmp_path):
    """Given llama12b.json in a folder `u`, the model is llama12b; given u/config.json, it is u."""
    folder = tmp_path / "u"
    folder.mkdir()
    text = json.dumps({key: value for key, value in LLAMA3.items() if key != "_name_or_path"})
    for name in ("llama12b.json", "config.json"):
        (folder / name).write_text(text)
    assert from_hugging_face(folder / "llama12b.json").name == "llama12b"
    assert from_hugging_face(folder / "config.json").name == "u"
