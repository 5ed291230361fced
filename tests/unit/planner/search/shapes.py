"""Small architectures of every kind of layer, and a cluster, for tests of the search."""

from datahall.models.cost.spec import Architecture, Attention, Experts, FeedForward, LatentAttention
from datahall.models.parallel.communication import cluster_of
from datahall.planner.search.question import Question

CLUSTER = cluster_of("H100 80GB HBM3", nic_bytes_per_s=50e9, oversubscription=2.0, hops=3)
DENSE = Architecture(
    name="grouped", layers=6, hidden=1024, vocab=32_000, context=4096, attention=Attention(heads=16, kv_heads=4),
    feed_forward=FeedForward(width=4096, gated=True), source="made for this test",
)  # fmt: skip
MIXED = DENSE.model_copy(
    update={"name": "mixed", "experts": Experts(count=8, active=2, width=2048, shared=1, first_dense_layers=1)}
)
LATENT = MIXED.model_copy(
    update={
        "name": "latent",
        "layers": 7,
        "prediction_layers": 1,
        "attention": LatentAttention(heads=16, q_rank=256, kv_rank=128, nope_dim=64, rope_dim=32, value_dim=64),
    }
)
TIED = DENSE.model_copy(update={"name": "tied", "tied_embeddings": True, "attention": Attention(heads=16), "layers": 5})
ALL = (DENSE, MIXED, LATENT, TIED)


def question(architecture=DENSE, **fields) -> Question:
    asked = {"accelerators": 16, "sequence": 1024, "global_batch": 32, "memory_bytes": 80e9, "fewer": False}
    return Question(architecture, CLUSTER, **asked | fields)
