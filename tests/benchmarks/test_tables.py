from __future__ import annotations

import pytest

from benchmarks.tables import Spread, interval, percent, provenance, quantile, ratios, table


def test_a_table_is_markdown() -> None:
    assert table(["what", "ms"], [["ours", "2.0"], ["theirs", "9.0"]]) == (
        "| what | ms |\n| --- | --- |\n| ours | 2.0 |\n| theirs | 9.0 |"
    )


def test_a_row_with_a_missing_cell_is_an_error() -> None:
    with pytest.raises(ValueError, match="1 cells under 2 headings"):
        table(["what", "ms"], [["ours"]])


def test_a_spread_is_a_median_with_quartiles() -> None:
    assert Spread.of([5.0, 1.0, 3.0, 2.0, 4.0]) == Spread(3.0, 2.0, 4.0)
    assert Spread.of([1000.0, 2000.0, 3000.0]).text() == "2,000.0 (1,500.0 to 2,500.0)"
    assert Spread.of([7.25]).text(2) == "7.25"


def test_ratios_are_taken_turn_by_turn() -> None:
    assert ratios([10.0, 40.0], [5.0, 10.0]) == [2.0, 4.0]
    with pytest.raises(ValueError, match="shorter"):
        ratios([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.0, 1)])
def test_a_quantile_is_a_value_that_was_measured(share: float, value: int) -> None:
    assert quantile(range(1, 101), share) == value


def test_nothing_measured_is_an_error() -> None:
    with pytest.raises(ValueError, match="no value"):
        Spread.of([])
    with pytest.raises(ValueError, match="no value"):
        quantile([], 0.5)


def test_shares_are_written_in_per_cent() -> None:
    assert percent(0.94484) == "94.48 %"
    assert interval(0.5, 0.25, 0.75) == "50.00 % (25.00 to 75.00)"


def test_provenance_names_the_versions() -> None:
    assert "numpy 2." in provenance(["numpy"])
