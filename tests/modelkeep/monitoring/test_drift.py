"""Clean traffic raises no alarm beyond the level; what drifts enough does, whatever its type."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from modelkeep.monitoring import drift
from modelkeep.monitoring.drift import Check, checks, judged
from modelkeep.monitoring.limits import Limits
from modelkeep.monitoring.reference import read_reference
from modelkeep.monitoring.traffic import Classes, Numbers, Traffic
from modelkeep_core.profiles import numbers, values
from recorded import Recorded, drawn, shifted, skewed

pytestmark = pytest.mark.slow

LIMITS = Limits(rows=50)
# Every difference matters: significance alone decides
BARE = Limits(level=0.05, distance=0, cells=0, rows=50)
WEEKS = 40


def made(size, seed, shift=0.0, share=0.3, missing=0.05, classes=12):
    """Draw rows: numbers of four shapes, whole numbers, a boolean, classes; some are missing."""
    random = np.random.default_rng(seed)
    table = {
        "normal": random.normal(shift, 1, size),
        "skewed": random.lognormal(shift, 1, size),
        "uniform": random.random(size),
        "zeros": np.maximum(random.normal(0, 1, size), 0),
        "whole": random.poisson(3, size).astype(float),
        "yes": (random.random(size) < share).astype(object),
        "class": np.array(skewed(size, classes, seed + 1), dtype=object),
        "rare": np.array(skewed(size, 150, seed + 2), dtype=object),
    }
    holes = random.random((len(table), size)) < missing
    return {
        name: [None if hole else cell for cell, hole in zip(cells.tolist(), gaps, strict=True)]
        for (name, cells), gaps in zip(table.items(), holes, strict=True)
    }


def profiled(table):
    """Return the reference profile of made-up rows; the predictions are the normal numbers."""
    features = {}
    for name, cells in table.items():
        present = pd.Series([cell for cell in cells if cell is not None])
        kind = "number" if name in ("normal", "skewed", "uniform", "zeros", "whole") else "category"
        described = numbers(present.to_numpy("float64")) if kind == "number" else values(present)
        features[name] = {"type": kind, "missing": len(cells) - len(present), **described}
    rows = len(table["normal"])
    predictions = {"rows": rows, **features["normal"]}
    return {"rows": rows, "features": features, "predictions": predictions}


def judged_traffic(profile, table, limits):
    """Return the checks of made-up rows against a profile."""
    traffic = Traffic(profile)
    traffic.count([*map(list, zip(*table.values(), strict=True))], table["normal"])
    return checks(profile, traffic, limits)


def alarms(profile, table, limits=LIMITS):
    """Return what raises an alarm, by name and what it is about."""
    result = judged_traffic(profile, table, limits)
    return {(check.name, check.about) for check in result if check.alarm}


@pytest.mark.parametrize("trained", [60, 500])
def test_clean_weeks_raise_no_more_alarms_than_the_level(trained):
    """Even where every difference counts, however small; the number of alarms is binomial."""
    loud = quiet = 0
    for week in range(WEEKS):
        profile = profiled(made(trained, 1_000 + 7 * week))
        result = judged_traffic(profile, made(300, 500_000 + 7 * week), BARE)
        loud += any(check.alarm for check in result)
        quiet += any(check.alarm for check in judged(result, LIMITS))
    assert loud <= stats.binom.isf(0.01, WEEKS, BARE.level)
    assert quiet <= stats.binom.isf(0.01, WEEKS, LIMITS.level)


@pytest.mark.parametrize(
    ("change", "alarm"),
    [
        ({"shift": 0.7}, ("normal", "values")),
        ({"shift": 0.7}, ("skewed", "values")),
        ({"shift": 0.7}, (None, "values")),
        ({"share": 0.6}, ("yes", "values")),
        ({"missing": 0.2}, ("class", "missing")),
        ({"missing": 0.2}, ("uniform", "missing")),
        ({"classes": 60}, ("class", "out_of_range")),
        ({"classes": 60}, ("class", "values")),
    ],
)
def test_what_drifts_is_found(change, alarm):
    """With 500 training rows and 500 current ones: numbers, shares, missing and unseen cells."""
    assert alarm in alarms(profiled(made(500, 1)), made(500, 99, **change))


def test_only_what_drifts_is_named():
    """A shift of some numbers is no alarm for the others."""
    result = alarms(profiled(made(2_000, 1)), made(1_000, 99, shift=1.0))
    assert {name for name, _ in result} == {"normal", "skewed", None}


@pytest.mark.parametrize("trained", [60, 200, 1_000])
def test_the_training_rows_never_raise_an_alarm(trained):
    """Whatever the limits are."""
    table = made(trained, 3)
    strict = Limits(level=0.999, distance=0, cells=0, rows=1)
    assert alarms(profiled(table), table, strict) == set()


@pytest.mark.parametrize("pipeline", ["run", "regression_run"])
def test_a_strong_shift_always_raises_an_alarm(pipeline, request, tmp_path):
    """In a real package, for its features one by one."""
    run = request.getfixturevalue(pipeline)
    train = pd.read_parquet(run.prepared / "train.parquet")
    rows = drawn(train, 200)
    changed = {
        "size": shifted(rows, 3),
        "count": shifted(rows, 3, "count"),
        "member": rows.assign(member=True),
        "colour": rows.assign(colour="violet"),
    }
    for place, (name, table) in enumerate(changed.items()):
        (tmp_path / str(place)).mkdir()
        recorded = Recorded(run.package, tmp_path / str(place))
        recorded.answer(table)
        result = checks(read_reference(run.package).profile, recorded.traffic(), Limits())
        assert name in {check.name for check in result if check.alarm}


def test_a_small_difference_is_no_alarm_however_many_rows_there_are():
    """The distance decides, not the p-value alone."""
    profile = profiled(made(20_000, 1))
    result = judged_traffic(profile, made(20_000, 99, shift=0.1), LIMITS)
    shifted_numbers = next(
        check for check in result if (check.name, check.about) == ("normal", "values")
    )
    assert shifted_numbers.adjusted < 1e-6
    assert shifted_numbers.distance < LIMITS.distance
    assert not any(check.alarm for check in result)


def test_a_large_difference_of_few_rows_is_no_alarm():
    """What chance explains is not told."""
    check = Check("a", "values", distance=0.5, p=0.2)
    assert not judged([check], LIMITS)[0].alarm


def test_too_few_rows_are_not_judged():
    """Not even a strong shift."""
    profile = profiled(made(200, 1))
    assert judged_traffic(profile, made(49, 2, shift=9), LIMITS) == []
    assert judged_traffic(profile, made(50, 2, shift=9), LIMITS)


def test_p_values_are_adjusted_as_benjamini_and_hochberg_say():
    """The k-th least of n is multiplied by n / k, and none is less than one before it."""
    result = judged([Check("a", "values", 1, p) for p in (0.01, 0.04, 0.03, 0.5)], LIMITS)
    assert [check.adjusted for check in result] == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert [check.alarm for check in result] == [False] * 4
    assert judged([], LIMITS) == []


@pytest.mark.parametrize(
    ("about", "limit"), [("values", 0.1), ("missing", 0.05), ("out_of_range", 0.05)]
)
def test_each_kind_of_check_has_its_limit(about, limit):
    """A distance that reaches it is an alarm, a smaller one is none."""
    for distance, alarm in ((limit, True), (limit - 1e-9, False)):
        assert judged([Check("a", about, distance, 0.0)], Limits())[0].alarm is alarm


def test_the_distance_of_numbers_is_that_of_kolmogorov_and_smirnov():
    """With a bin for every number, distance and p-value are SciPy's; with fewer, they are less."""
    random = np.random.default_rng(1)
    first, second = random.normal(0, 1, 40).round(4), random.normal(0.4, 1, 300)
    exact = stats.ks_2samp(first, second, method="asymp")
    current = Numbers({"missing": 0, **numbers(first)})
    current.add(second)
    assert drift.compare_numbers(current.table) == pytest.approx((exact.statistic, exact.pvalue))
    coarse = (
        current.table.reshape(2, -1)[:, : current.table.shape[1] // 3 * 3].reshape(2, -1, 3).sum(2)
    )
    distance, p = drift.compare_numbers(coarse)
    assert distance <= exact.statistic
    assert p >= exact.pvalue


def test_the_distance_of_classes_is_total_variation():
    """The share of rows that would have to be of another class."""
    distance, p = drift.compare_classes(np.array([[60, 40, 0], [30, 50, 20]]))
    assert distance == pytest.approx(0.3)
    assert p == pytest.approx(stats.chi2_contingency([[60, 40, 0], [30, 50, 20]]).pvalue)


def test_rare_classes_are_one_class():
    """Until five are to be expected of each in either sample."""
    table = np.array([[50, 1, 2, 1, 40, 0, 2], [48, 2, 1, 3, 45, 4, 3]])
    merged = np.array([[6, 50, 40], [13, 48, 45]])
    distance, p = drift.compare_classes(table)
    assert p == stats.chi2_contingency(merged).pvalue
    assert distance == pytest.approx(13 / 106 - 6 / 96 + 45 / 106 - 40 / 96)


def test_rare_classes_that_vanish_are_told_by_their_share_alone():
    """The explanation says so: others of them that take their place hide it, more rows do not."""
    assert drift.compare_classes(np.array([[500, 440, 6, 6], [500, 452, 0, 0]]))[1] < 0.01
    swapped = np.array([[500, 440, 6, 6, 1, 1], [500, 440, 0, 0, 7, 7]])
    assert drift.compare_classes(swapped)[1] > 0.9
    assert drift.compare_classes(10 * swapped)[1] < 1e-9


def test_a_rare_class_has_an_exact_test():
    """Where even all rare ones together are too few for chi-square, the lesser p-value counts."""
    table = np.array([[50, 44, 0], [48, 45, 3]])
    exact = stats.fisher_exact([[3, 93], [0, 94]]).pvalue
    common = stats.chi2_contingency([[50, 44], [48, 45]]).pvalue
    assert drift.compare_classes(table)[1] == pytest.approx(2 * min(exact, common))
    assert drift.compare_classes(np.array([[50, 0], [49, 1]]))[1] == 1.0
    assert drift.compare_classes(np.array([[9], [9]])) == (0.0, 1.0)


def test_classes_that_vanish_are_found_however_many_rows_there_are():
    """A small reference beside a million rows has cells in which next to nothing is expected."""
    distance, p = drift.compare_classes(np.array([[39, 31, 16], [1_000_000, 0, 0]]))
    assert distance == pytest.approx(47 / 86)
    assert p < 1e-12
    assert drift.compare_classes(np.array([[39, 31, 16], [453_000, 360_000, 187_000]]))[1] > 0.5


def test_a_sample_without_a_value_is_not_tested():
    """Its missing cells are."""
    current = Classes({"type": "category", "counts": {"a": 9}, "others": 0})
    current.add([None] * 200)
    about = {check.about: check for check in drift.feature_checks("a", current, missing=1, rows=10)}
    assert set(about) == {"values", "missing"}
    assert (about["values"].distance, about["values"].p) == (0.0, 1.0)
    assert about["missing"].distance == pytest.approx(0.9)
    assert about["missing"].p < 1e-9


def test_cells_that_are_no_longer_missing_are_drift_too():
    """The share is compared in both directions."""
    profile = profiled(made(500, 1, missing=0.3))
    result = alarms(profile, made(500, 2, missing=0.0))
    assert {name for name, about in result if about == "missing"} == set(profile["features"])


@pytest.mark.parametrize("towns", [60, 900])
def test_classes_that_are_all_new_are_an_alarm_however_rare_each_is(towns):
    """Pooled with the rare ones, new towns would look like rare ones that came."""
    profile, _ = towns_of(towns, 12 * towns, 1)
    assert town_alarms(profile, towns, 200, 2, name="TOWN {}") == {"out_of_range"}


@pytest.mark.parametrize(
    ("towns", "trained", "rows"), [(60, 60, 300), (60, 300, 3_000), (300, 300, 3_000)]
)
def test_clean_weeks_of_many_towns_raise_no_alarm(towns, trained, rows):
    """Towns that are new by chance are as many as Good and Turing expect, or fewer."""
    loud = sum(
        bool(town_alarms(towns_of(towns, trained, seed)[0], towns, rows, seed + 1_000))
        for seed in range(WEEKS)
    )
    assert loud <= stats.binom.isf(0.01, WEEKS, LIMITS.level)


def towns_of(towns, rows, seed, name="town {}"):
    """Return the profile of rows in towns that are equally common, and the rows."""
    drawn_towns = np.random.default_rng(seed).integers(0, towns, rows)
    names = [name.format(number) for number in drawn_towns]
    described = {"type": "category", "missing": 0, **values(pd.Series(names))}
    return {"rows": rows, "features": {"town": described}}, names


def town_alarms(profile, towns, rows, seed, name="town {}"):
    """Return what raises an alarm in rows of such towns."""
    current = Classes(profile["features"]["town"])
    current.add(towns_of(towns, rows, seed, name)[1])
    made = [*drift.feature_checks("town", current, 0, profile["rows"])]
    return {check.about for check in judged(made, LIMITS) if check.alarm}


def test_the_order_of_classes_does_not_matter():
    """A test of classes knows no order."""
    table = np.array([[50, 1, 2, 1, 40, 0], [48, 2, 1, 3, 45, 4]])
    mixed = table[:, [3, 0, 5, 1, 4, 2]]
    assert drift.compare_classes(mixed) == pytest.approx(drift.compare_classes(table))


def test_numbers_outside_the_range_are_an_alarm_only_beyond_chance():
    """A new extreme now and then is what fresh numbers have; a pile of them is drift."""
    profile = profiled(made(300, 5))
    clean = made(400, 6)
    assert ("uniform", "out_of_range") not in alarms(profile, clean, replace(LIMITS, level=0.05))
    clean["uniform"][:40] = [9.0] * 40
    assert ("uniform", "out_of_range") in alarms(profile, clean)
