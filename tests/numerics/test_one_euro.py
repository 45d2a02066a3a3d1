"""The One-Euro filter: still inputs come out smoother, fast ones late by little, steps as the formula says."""

from __future__ import annotations

import numpy as np
import pytest

from reverie.numerics.one_euro import OneEuro


def test_noise_at_rest_shrinks_and_a_fast_ramp_hardly_lags():
    random = np.random.default_rng(0)
    rest = OneEuro(1.0, 0.0)
    noisy = [rest(value, n / 60) for n, value in enumerate(random.normal(0, 1, 600))]
    assert np.std(noisy[100:]) < 0.35
    slow, quick = OneEuro(1.0, 0.0), OneEuro(1.0, 2.0)
    ramp = [(n / 60, 3 * n / 60) for n in range(120)]
    lags = [abs(filtered - value) for filtered, (_, value) in
            zip([(slow(v, t), quick(v, t))[1] for t, v in ramp], ramp, strict=True)]  # fmt: skip
    assert lags[-1] < 0.12
    assert abs(slow(6.0, 2.0) - 6.0) > 0.35


def test_one_step_is_the_formula_and_zero_cutoff_changes_nothing():
    euro = OneEuro(2.0, 0.0)
    euro(0.0, 0.0)
    share = 1 / (1 + 1 / (2 * np.pi * 2.0 * 0.1))
    assert euro(1.0, 0.1) == pytest.approx(share)
    plain = OneEuro(0.0)
    assert [plain(v, t) for t, v in enumerate((1.0, 5.0, -2.0))] == [1.0, 5.0, -2.0]
