"""A small decoder that tests count and change."""

from datahall.models.cost.spec import Architecture, Attention, FeedForward

HIDDEN, VOCAB, SEQUENCE = 24, 50, 16


def architecture(**fields: object) -> Architecture:
    """Three layers of grouped attention and SwiGLU; `fields` take the place of its own."""
    fields = {
        "name": "tiny",
        "layers": 3,
        "hidden": HIDDEN,
        "vocab": VOCAB,
        "context": SEQUENCE,
        "attention": Attention(heads=6, kv_heads=2),
        "feed_forward": FeedForward(width=40, gated=True),
        "source": "a model of this test",
    } | fields
    return Architecture(**fields)  # type: ignore[arg-type]
