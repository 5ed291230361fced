import pytest
import torch

from datahall.models.train import products
from datahall.models.train.products import PRODUCTS, fastest


@pytest.mark.parametrize("name", list(PRODUCTS))
@pytest.mark.parametrize("biased", [False, True])
def test_every_product_is_the_same_product(name, biased):
    """Given transposed views such as a backward pass has, each library gives a b + bias."""
    a, b, bias = torch.randn(7, 16).t(), torch.randn(5, 7).t(), torch.randn(5) if biased else None
    result = PRODUCTS[name](a, b, bias, torch.empty(16, 5))
    assert torch.allclose(result, a @ b + (bias if biased else 0), atol=1e-5)


def test_small_products_stay_with_the_blas():
    """Given 4x4 matrices, oneDNN's set-up would cost more than the product."""
    small = torch.randn(4, 4)
    assert fastest(small, small, None, torch.empty(4, 4)) == "blas"


def test_the_faster_one_is_taken(monkeypatch):
    """Given a BLAS that sleeps, oneDNN is taken; given one that is only a little slower, it is not."""
    clock = iter(range(10_000))
    monkeypatch.setattr(products.time, "perf_counter", lambda: float(next(clock)))
    assert fastest(torch.ones(2, 2), torch.ones(2, 2), None, torch.empty(2, 2)) == "blas"

    def slow(*_):
        for _ in range(10):
            next(clock)

    monkeypatch.setitem(products.PRODUCTS, "blas", slow)
    assert fastest(torch.ones(2, 2), torch.ones(2, 2), None, torch.empty(2, 2)) == "onednn"


def test_without_onednn_it_is_the_blas(monkeypatch):
    """Given double precision, which the oneDNN product does not take, the BLAS is used unmeasured."""
    monkeypatch.setattr(products, "PRODUCTS", None)
    double = torch.ones(2, 2, dtype=torch.float64)
    assert fastest(double, double, None, double) == "blas"
