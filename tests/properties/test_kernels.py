"""What holds for every kernel, device and shape."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datahall.infrastructure.catalog.rows import accelerator_rows
from datahall.models.parallel.device import device_of
from datahall.models.parallel.kernels import ELEMENT_BYTES, attention_s, elementwise_s, matmul_s, unfused_attention_s

DEVICES = [device_of(row.name) for row in accelerator_rows()]
SIZE = st.integers(1, 65_536)


@st.composite
def cases(draw):
    device = draw(st.sampled_from(DEVICES))
    return device, draw(st.sampled_from(sorted(device.flop_per_s)))


@given(case=cases(), m=SIZE, n=SIZE, k=SIZE, batch=st.integers(1, 512))
def test_a_product_never_beats_the_peak_nor_the_memory(case, m, n, k, batch):
    device, precision = case
    seconds = matmul_s(device, m, n, k, precision=precision, batch=batch)
    assert seconds >= 2.0 * batch * m * n * k / device.reached_flop_per_s(precision)
    operand = ELEMENT_BYTES[precision]
    assert seconds >= batch * (operand * (m + n) * k + max(2.0, operand) * m * n) / device.memory_bytes_per_s


@given(case=cases(), shape=st.tuples(SIZE, SIZE, SIZE), which=st.integers(0, 2), more=st.integers(1, 300))
def test_a_larger_product_never_takes_less(case, shape, which, more):
    device, precision = case
    larger = [size + more * (place == which) for place, size in enumerate(shape)]
    assert matmul_s(device, *larger, precision=precision) >= matmul_s(device, *shape, precision=precision)


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_one_more_row_column_or_step_is_never_a_jump(device, which):
    """Given every size from 64 to 4,096, the next one takes at most 3 % more, be the others small or large."""
    precision = "bf16" if "bf16" in device.flop_per_s else "fp16"
    for other in (64.0, 1000.0, 8192.0):
        shape = [np.full(4033, other) for _ in range(3)]
        shape[which] = np.arange(64.0, 4097.0)
        seconds = matmul_s(device, *shape, precision=precision)
        assert np.max(seconds[1:] / seconds[:-1]) < 1.03


@given(case=cases(), m=SIZE, n=SIZE, k=SIZE)
def test_rows_and_columns_may_be_swapped(case, m, n, k):
    device, precision = case
    swapped = matmul_s(device, n, m, k, precision=precision)
    assert matmul_s(device, m, n, k, precision=precision) == pytest.approx(swapped, rel=1e-12)


@given(case=cases(), m=st.integers(512, 4096), n=st.integers(512, 4096), k=st.integers(512, 4096), by=st.integers(2, 64))
def test_a_batch_costs_no_more_than_its_products_one_by_one(case, m, n, k, by):
    device, precision = case
    one, all_of_them = (matmul_s(device, m, n, k, precision=precision, batch=batch) for batch in (1, by))
    assert one < all_of_them <= by * one


@given(case=cases(), shapes=st.lists(st.tuples(SIZE, SIZE, SIZE), min_size=1, max_size=20))
def test_arrays_give_what_numbers_give(case, shapes):
    device, precision = case
    together = matmul_s(device, *np.array(shapes, float).T, precision=precision)
    assert together == pytest.approx([float(matmul_s(device, *shape, precision=precision)) for shape in shapes], rel=1e-12)


@given(device=st.sampled_from(DEVICES), gigabytes=st.floats(1, 1e3), by=st.floats(1, 100))
def test_moved_bytes_scale(device, gigabytes, by):
    one, more = (elementwise_s(device, gigabytes * 1e9 * factor, launches=0) for factor in (1, by))
    assert more == pytest.approx(by * one, rel=1e-12)


@given(
    device=st.sampled_from([device for device in DEVICES if device.architecture not in ("volta", "turing")]),
    shape=st.fixed_dictionaries(
        {
            "batch": st.integers(1, 64),
            "heads": st.integers(1, 128),
            "queries": st.integers(1, 32_768),
            "head_dim": st.sampled_from([32, 64, 80, 96, 127, 128, 192, 256]),
        }
    ),
    backward=st.booleans(),
)
def test_attention_never_beats_the_peak_and_grows_with_each_dimension(device, shape, backward):
    """Heads grow by 8 where scores are written: there rows that 16 bytes divide are faster than some narrower ones."""
    seconds = attention_s(device, backward=backward, **shape)
    work = (2.5 if backward else 1) * 2.0 * shape["batch"] * shape["heads"] * shape["queries"] ** 2 * shape["head_dim"]
    assert seconds >= work / device.flop_per_s["bf16"]
    for name, size in shape.items():
        larger = shape | {name: size + 1}
        assert attention_s(device, backward=backward, **larger) >= seconds
        larger = shape | {name: size + (8 if name == "head_dim" else 1)}
        assert unfused_attention_s(device, **larger) >= unfused_attention_s(device, **shape)


@pytest.mark.parametrize("device", DEVICES, ids=lambda device: device.name)
def test_heads_that_16_bytes_do_not_divide_are_never_faster(device):
    """Given every device, those without a published fp32 rate too, heads of 127 are multiplied no faster than of 120."""
    precision = "bf16" if "bf16" in device.flop_per_s else "fp16"
    shape = {"batch": 2, "heads": 32, "queries": 4096, "precision": precision}
    odd, even = (unfused_attention_s(device, head_dim=width, **shape) for width in (127, 120))
    assert odd >= even
