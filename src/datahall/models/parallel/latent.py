"""Matrix products of multi-head latent attention: small ones down to the compressed width, large ones up from it.

Source: DeepSeek-V2, arXiv:2405.04434, section 2.1, equations 9 to 13; tensor ranks split heads and share what is compressed,
as in Megatron Core's multi-latent attention.
"""

from typing import Any

from datahall.models.cost.spec import LatentAttention

Product = tuple[Any, float, float, Any]
"""Rows, columns, depth, and how many of them at once; rows and counts of one plan, or arrays of those of many."""


def down_products(attention: LatentAttention, *, tokens: Any, hidden: float, share: float) -> list[Product]:
    """Queries and keys with values to their compressed widths. share: of the tokens, that one tensor rank compresses."""
    found: list[Product] = [(tokens * share, attention.kv_rank + attention.rope_dim, hidden, 1.0)]
    if attention.q_rank is not None:
        found.append((tokens * share, attention.q_rank, hidden, 1.0))
    return found


def up_products(attention: LatentAttention, *, tokens: Any, hidden: float, tensor: int) -> list[Product]:
    """From the compressed widths to the heads of one tensor rank; queries from `hidden` where they are not compressed."""
    heads = attention.heads / tensor
    query, width = heads * (attention.nope_dim + attention.rope_dim), attention.nope_dim + attention.value_dim
    return [(tokens, query, attention.q_rank or hidden, 1.0), (tokens, heads * width, attention.kv_rank, 1.0)]
