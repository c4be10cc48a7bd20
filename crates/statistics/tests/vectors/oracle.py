#!/usr/bin/env python3
"""Writes vectors.json: what published tools say of counts. See README.md."""

import json
import random
from importlib.metadata import version
from pathlib import Path

import mpmath
import numpy as np
from gbstats.frequentist.tests import FrequentistConfig, SequentialConfig, SequentialTwoSidedTTest, TwoSidedTTest
from gbstats.models.statistics import ProportionStatistic, RatioStatistic, SampleMeanStatistic
from scipy import stats
from ssrm_test import ssrm_test
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower

mpmath.mp.dps = 60
dice = random.Random(19)


def pearson():
    cases = [
        ([5310, 4690], [0.5, 0.5]),
        ([1098, 902], [1.0, 1.0]),
        ([50_500, 49_500], [1.0, 1.0]),
        ([1_000, 2_100, 3_000], [1.0, 2.0, 3.0]),
        ([3, 5, 2, 9], [1.0, 1.0, 1.0, 1.0]),
        ([10_012_345, 9_987_655], [0.5, 0.5]),
        ([900, 90, 10], [0.9, 0.09, 0.01]),
        ([812, 95, 40, 30, 23], [0.8, 0.1, 0.05, 0.03, 0.02]),
        ([60_000, 40_000], [0.5, 0.5]),
    ]
    for counts, weights in cases:
        total, parts = sum(counts), sum(weights)
        found = stats.chisquare(counts, [total * weight / parts for weight in weights])
        yield {"counts": counts, "weights": weights, "statistic": found.statistic, "p": found.pvalue}


def critical():
    for arms in (2, 3, 5, 20):
        for p in (0.05, 0.001, 0.0001):
            yield {"arms": arms, "p": p, "critical": stats.chi2.isf(p, arms - 1)}


def days(shares, units, number):
    """Counts of each day."""
    rng = np.random.default_rng(dice.randrange(2**32))
    return [[int(count) for count in rng.multinomial(units, shares)] for _ in range(number)]


def sequential():
    for shares, weights, units in [
        ([0.5, 0.5], [0.5, 0.5], 500),
        ([0.52, 0.48], [0.5, 0.5], 900),
        ([0.4, 0.4, 0.2], [0.4, 0.4, 0.2], 700),
        ([0.1, 0.6, 0.3], [0.1, 0.5, 0.4], 80),
        ([0.9, 0.1], [0.9, 0.1], 1),
    ]:
        data = days(shares, units, 14)
        for concentration in (10_000, 100):
            found = ssrm_test.sequential_p_values(np.array(data), np.array(weights), None, concentration)
            yield {
                "weights": weights,
                "concentration": concentration,
                "cumulative": np.cumsum(data, axis=0).tolist(),
                "p": [float(p) for p in found],
            }


def sequential_exact():
    """The Bayes factor of the paper with sixty digits, for counts of any size."""
    for shares, weights, units in [
        ([0.5, 0.5], [0.5, 0.5], 1_000_000),
        ([0.501, 0.499], [0.5, 0.5], 1_000_000),
        ([0.6, 0.3, 0.0995, 0.0005], [0.6, 0.3, 0.0999, 0.0001], 3_000),
    ]:
        data = np.cumsum(days(shares, units, 10), axis=0).tolist()
        for concentration in (10_000, 1):
            parts = [mpmath.mpf(weight) / mpmath.fsum(weights) for weight in weights]
            alphas = [concentration * part for part in parts]
            smallest, found, logs = mpmath.mpf(1), [], []
            for counts in data:
                log = mpmath.loggamma(sum(alphas)) - mpmath.loggamma(sum(alphas) + sum(counts))
                for alpha, count, part in zip(alphas, counts, parts):
                    log += mpmath.loggamma(alpha + count) - mpmath.loggamma(alpha)
                    log -= count * mpmath.log(part)
                smallest = min(smallest, mpmath.exp(-log))
                found.append(float(smallest))
                logs.append(float(log))
            yield {
                "weights": weights, "concentration": concentration, "cumulative": data, "p": found, "logs": logs,
            }


def both(control, treatment):
    """All that GrowthBook says of two arms."""
    found = {}
    for kind in ("absolute", "relative"):
        for alpha in (0.05, 0.01):
            once = TwoSidedTTest(control, treatment, FrequentistConfig(alpha=alpha, difference_type=kind))
            result = once.compute_result()
            assert result.error_message is None, result
            entry = {
                "value": result.expected,
                "standard_error": result.uplift.stddev,
                "freedom": once.dof,
                "interval": list(result.ci),
                "p": result.p_value,
                # Without the subtraction from 1, which loses small ones.
                "p_exact": 2 * stats.t.sf(abs(once.critical_value), once.dof),
                "sequences": [],
            }
            for tuning in (5000, 200):
                config = SequentialConfig(alpha=alpha, difference_type=kind, sequential_tuning_parameter=tuning)
                result = SequentialTwoSidedTTest(control, treatment, config).compute_result()
                entry["sequences"].append({"tuning": tuning, "interval": list(result.ci), "p": result.p_value})
            found[f"{kind} {alpha}"] = entry
    return found


def proportions():
    for (converted, units), (others, more) in [
        ((100, 1_000), (130, 1_000)),
        ((12, 1_000), (9, 1_010)),
        ((5_000, 100_000), (5_300, 100_400)),
        ((501_000, 10_000_000), (500_100, 10_001_000)),
        ((3, 40), (11, 38)),
        ((900, 1_000), (950, 2_000)),
    ]:
        control, treatment = ProportionStatistic(n=units, sum=converted), ProportionStatistic(n=more, sum=others)
        yield {"control": [converted, units], "treatment": [others, more], **both(control, treatment)}


def means():
    for size, mean, more, other, scale in [
        (50, 10.0, 60, 11.0, 4.0),
        (2_000, 31.5, 1_500, 31.0, 12.0),
        (7, 1.0, 5, 3.0, 1.5),
        (40_000, 0.8, 41_000, 0.83, 2.0),
    ]:
        rng = np.random.default_rng(dice.randrange(2**32))
        arms = [rng.gamma((at / scale) ** 2, scale**2 / at, n) for n, at in ((size, mean), (more, other))]
        sums = [[len(arm), float(arm.sum()), float((arm**2).sum())] for arm in arms]
        control, treatment = (SampleMeanStatistic(n=n, sum=s, sum_squares=q) for n, s, q in sums)
        welch = stats.ttest_ind(arms[1], arms[0], equal_var=False)
        yield {"control": sums[0], "treatment": sums[1], "welch": welch.pvalue, **both(control, treatment)}


def ratios():
    for units, requests, errors in [(300, 8, 0.1), (5_000, 3, 0.02), (20, 200, 0.05)]:
        rng = np.random.default_rng(dice.randrange(2**32))
        found = {}
        arms = []
        for name, extra in (("control", 0.0), ("treatment", 0.01)):
            below = rng.poisson(requests, units) + 1
            above = rng.binomial(below, rng.beta(1, 1 / (errors + extra) - 1, units))
            sums = [units, *(int(it) for it in (above.sum(), (above**2).sum(), below.sum(), (below**2).sum()))]
            sums.append(int((above * below).sum()))
            found[name] = {"sums": sums, "parts": [above.tolist(), below.tolist()] if units < 100 else None}
            arms.append(
                RatioStatistic(
                    n=units,
                    m_statistic=SampleMeanStatistic(n=units, sum=sums[1], sum_squares=sums[2]),
                    d_statistic=SampleMeanStatistic(n=units, sum=sums[3], sum_squares=sums[4]),
                    m_d_sum_of_products=sums[5],
                )
            )
        yield {**found, **both(*arms)}


def tails():
    """P(T > t) and quantiles of Student's t, through intervals of one difference."""
    for freedom in (1, 2, 3.7, 19, 38, 240.5, 1e4, 123_456.7, 1e6, 3e7, 1e9):
        for p in (0.4, 0.05, 0.025, 0.005, 1e-6):
            yield {"freedom": freedom, "p": p, "t": stats.t.isf(p, freedom)}
        for t in (0.1, 1.0, 2.0, 5.0, 12.0):
            yield {"freedom": freedom, "t": t, "p": stats.t.sf(t, freedom)}


def holm():
    for p_values in ([0.01, 0.04, 0.03, 0.005], [0.5], [1.0, 0.0, 0.2, 0.2], [dice.random() ** 4 for _ in range(12)]):
        yield {"p": p_values, "adjusted": multipletests(p_values, method="holm")[1].tolist()}


def power():
    for mean, deviation, difference, weights, alpha in [
        (10.0, 5.0, 0.5, [1, 1], 0.05),
        (10.0, 5.0, 0.25, [3, 1], 0.01),
        (2.0, 9.0, -0.3, [1, 2], 0.05),
    ]:
        share = [weight / sum(weights) for weight in weights]
        for units in (400, 2_400, 12_000):
            found = NormalIndPower().power(
                difference / deviation, units * share[0], alpha, ratio=share[1] / share[0], alternative="two-sided"
            )
            yield {
                "mean": mean, "deviation": deviation, "difference": difference, "weights": weights, "alpha": alpha,
                "units": units, "power": float(found),
            }


def plain(value):
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


tools = ("gbstats", "scipy", "statsmodels", "ssrm-test", "mpmath", "numpy")
sections = [pearson, critical, sequential, sequential_exact, proportions, means, ratios, tails, holm, power]
lines = [f'"versions": {json.dumps({tool: version(tool) for tool in tools})}']
for section in sections:
    entries = ",\n".join(json.dumps(plain(entry)) for entry in section())
    lines.append(f'"{section.__name__}": [\n{entries}\n]')
Path(__file__).with_name("vectors.json").write_text("{" + ",\n".join(lines) + "}\n")
