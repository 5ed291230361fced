"""How often a job should save, and what is left of its time once saving, failures and restarts are paid for."""

import math


def young_interval_s(*, save_s: float, mtti_s: float) -> float:
    """Time between the ends of two saves that loses least, to first order, s: sqrt(2 C M).

    save_s: what one checkpoint costs the job. mtti_s: mean time to an interruption of the job.
    Raises ValueError unless both are above 0. Source: Young, CACM 17(9), 1974, doi:10.1145/361147.361115.
    """
    _positive(save_s=save_s, mtti_s=mtti_s)
    return math.sqrt(2 * save_s * mtti_s)


def daly_interval_s(*, save_s: float, mtti_s: float) -> float:
    """Work between two saves that makes the run shortest, s; the higher-order estimate, within 1 % also for frequent failures.

    sqrt(2 C M) (1 + 1/3 sqrt(C/2M) + 1/9 C/2M) - C for C < 2M, else M.
    Raises ValueError unless both are above 0.
    Source: Daly, Future Generation Computer Systems 22(3), 2006, doi:10.1016/j.future.2004.11.016, the higher-order estimate.
    """
    _positive(save_s=save_s, mtti_s=mtti_s)
    if save_s >= 2 * mtti_s:
        return mtti_s
    ratio = save_s / (2 * mtti_s)
    return math.sqrt(2 * save_s * mtti_s) * (1 + math.sqrt(ratio) / 3 + ratio / 9) - save_s


def first_order_goodput_ratio(*, save_s: float, mtti_s: float, restart_s: float, interval_s: float | None = None) -> float:
    """Share of a job's time that ends in kept work, 0..1: 1 - C/tau - tau/2M - R/M, for few failures.

    interval_s: time between saves; without it, Young's. Below 0 it is 0: the estimate has left its range.
    """
    tau_s = young_interval_s(save_s=save_s, mtti_s=mtti_s) if interval_s is None else interval_s
    _positive(interval_s=tau_s)
    return max(0.0, 1 - save_s / tau_s - tau_s / (2 * mtti_s) - restart_s / mtti_s)


def goodput_ratio(*, save_s: float, mtti_s: float, restart_s: float, interval_s: float | None = None) -> float:
    """The same from the complete cost function: failures while computing, saving, and restarting; always between 0 and 1.

    T / T_work = M exp(R/M) (exp((tau + C)/M) - 1) / tau, for failures at a constant rate.
    interval_s: work between two saves; without it, Daly's.
    Source: Daly, Future Generation Computer Systems 22(3), 2006, doi:10.1016/j.future.2004.11.016, the complete cost function.
    """
    tau_s = daly_interval_s(save_s=save_s, mtti_s=mtti_s) if interval_s is None else interval_s
    _positive(interval_s=tau_s, mtti_s=mtti_s)
    try:
        stretch = mtti_s * math.exp(restart_s / mtti_s) * math.expm1((tau_s + save_s) / mtti_s) / tau_s
    except OverflowError:
        return 0.0
    return 1 / stretch


def _positive(**values: float) -> None:
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name}={value:g}, but it must be above 0")
