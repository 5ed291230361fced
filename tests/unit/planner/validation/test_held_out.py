"""Published rows are predicted by constants that never saw them; a user's by those that are shipped."""

import pytest

from datahall.models.cost.catalogue import architecture
from datahall.models.parallel.spec import TrainPlan
from datahall.models.parallel.step_constants import step_constants
from datahall.models.parallel.uncertainty import uncertainty
from datahall.planner.validation.held_out import constants_without, left_out, platforms, spread_without, tables_beside
from datahall.planner.validation.summaries import HELD_OUT, overall, summary
from datahall.planner.validation.training import SHIPPED, TrainingRow, row_of, rows, shipped
from datahall.planner.validation.utilisation import shares, table_of_source

PLAN = TrainPlan(global_batch=8, sequence=2048, data=8)


def test_each_fitted_table_has_constants_without_it() -> None:
    """Given the tables that the shipped constants name, each lies with one platform, whose constants are others."""
    source = step_constants().source
    fitted = [share.table for share in shares() if share.table in source]
    assert len(fitted) == 8 and sorted(table for each in platforms().platforms for table in each.tables) == sorted(fitted)
    assert all(constants_without(table) != step_constants() for table in fitted)
    assert constants_without("megatron_bridge") is None and "held out" in platforms().error


def test_a_table_is_left_out_with_its_platform() -> None:
    """Given a table of Selene, the other of Selene is left out with it, of constants and of the interval."""
    dense, mixture = architecture("llama3-8b"), architecture("deepseek-v3")
    assert tables_beside("sc21_table1") == {"sc21_table1", "korthikanti_tab5"} and tables_beside("a user's") == {"a user's"}
    assert constants_without("sc21_table1") is constants_without("korthikanti_tab5")
    assert left_out("sc21_table1", dense, PLAN) == "Selene" and left_out("moe_zoo", mixture, PLAN) == "deepseek-v3"
    spread = spread_without("sc21_table1", dense, PLAN)
    assert spread is not None and (spread.low, spread.high) != (uncertainty().dense.low, uncertainty().dense.high)


@pytest.mark.parametrize("words", ["sc21", "internevo", "llm-foundry", "torchtitan", "bigscience"])
def test_a_published_row_is_predicted_without_its_platform(words: str) -> None:
    """Given a published row, its step and interval are others than a user of the shipped constants gets, and it says so."""
    row = next(row for row in shipped() if words in row["source"].lower())
    unseen, seen = row_of(row, unseen=True), row_of(row)
    assert unseen.predicted_s != seen.predicted_s and unseen.memory_bytes == seen.memory_bytes
    assert unseen.constants.startswith(HELD_OUT) and unseen.constants in unseen.note and HELD_OUT in unseen.tolerance
    assert seen.constants.startswith(SHIPPED) and "fitted on its table" in seen.constants
    assert row_of(row | {"source": "somebody"}).constants == SHIPPED


def test_all_published_rows_are_held_out(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """Given the rows that come with Datahall, none is predicted by constants fitted on its table, and the summary says so."""
    monkeypatch.setenv("DATAHALL_SHARED", f"{tmp_path}/nowhere")
    found = rows()
    assert all(isinstance(row, TrainingRow) and row.constants.startswith(HELD_OUT) for row in found)
    [whole] = overall(summary(found))
    assert whole.note.startswith(HELD_OUT)
    assert {table_of_source(row["source"]) for row in shipped()} >= {"sc21_table1", "vtrain_multi"}
