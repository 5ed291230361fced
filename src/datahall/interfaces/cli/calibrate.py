"""`calibrate`: what measured runs say of a platform, kept for every later prediction."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from datahall.interfaces.cli.hall import Json
from datahall.interfaces.cli.output import exits, next_step, out, say, show_json, show_table

if TYPE_CHECKING:
    from datahall.models.parallel.correction import Correction
    from datahall.planner.calibration.fit import Fitted
    from datahall.planner.calibration.rows import Platforms

COLUMNS = {
    "accelerator": "accelerator", "stack": "stack", "rows": "rows", "compute": "computing", "exchange": "exchanging",
    "before": "mean error before", "after": "after", "kept": "",
}  # fmt: skip
SHOWN_SKIPPED = 5


def register(app: typer.Typer) -> None:
    app.command()(exits(calibrate))


def calibrate(
    rows: Annotated[
        Path | None,
        typer.Argument(help="A CSV file of measured steps; without it, what is known is shown.", show_default=False),
    ] = None,
    jobs: Annotated[
        bool, typer.Option("--jobs", help="Learn from the jobs of this platform that say what they train.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    forget: Annotated[bool, typer.Option("--forget", help="Forget all that was learned.")] = False,
    as_json: Json = False,
) -> int:
    """Correct predictions by measured runs of your own. Example: datahall calibrate my-runs.csv

    Two ratios for each platform (an accelerator with a software stack): how much longer computing and exchanging take than
    predicted. The error after is of rows that were left out; one row alone is believed, four fifths of the way. `datahall plan
    --train` and job estimates use what is kept.
    """
    from datahall.foundation.errors import Problem, Refused
    from datahall.planner.calibration.store import Corrections, read_corrections, write_corrections
    from datahall.platform.home import Home

    if forget and (rows is not None or jobs):
        raise Refused(Problem("CAL-003", "--forget", "stands beside rows to learn from", "do one, then the other"))
    home = Home.from_environment()
    if forget:
        write_corrections(home.root, Corrections())
        say("forgotten: predictions are as Datahall makes them")
        return 0
    if rows is None and not jobs:
        return _show_known(read_corrections(home.root), as_json=as_json)
    found = _measured(home, rows, jobs=jobs)
    learned = _learned(found, source=" and ".join([*([str(rows)] if rows else []), *(["jobs"] if jobs else [])]))
    better = [correction for correction, fitted in learned if fitted.helps]
    if better and not dry_run:
        write_corrections(home.root, read_corrections(home.root).with_(better))
    _show_learned(learned, found.skipped, as_json=as_json, kept=not dry_run)
    return 0


def _measured(home: Any, rows: Path | None, *, jobs: bool) -> "Platforms":
    from datahall.foundation.errors import Problem, Refused
    from datahall.interfaces.client import connect
    from datahall.interfaces.learned import clusters_of, jobs_of
    from datahall.planner.calibration.rows import from_file, from_jobs, merged

    parts = [from_file(rows)] if rows is not None else []
    if jobs:
        parts.append(from_jobs(jobs_of(connect(home)), clusters_of(home)))
    found = merged(parts)
    if not found.rows:
        what = "; ".join(found.skipped[:3]) or "no job that succeeded says what it trained on accelerators"
        fix = "give jobs a `work` section (see docs/jobs.md), or a CSV file of measured steps"
        raise Refused(Problem("CAL-004", "--jobs", what, fix))
    return found


def _learned(found: "Platforms", *, source: str) -> "list[tuple[Correction, Fitted]]":
    from datetime import UTC, datetime

    from datahall.planner.calibration.fit import correction_of, fit

    today, learned = datetime.now(UTC).date().isoformat(), []
    for (accelerator, stack), measured in found.rows.items():
        fitted = fit(measured)
        learned.append((correction_of(fitted, accelerator=accelerator, stack=stack, source=source, date=today), fitted))
    return learned


def _show_known(known: Any, *, as_json: bool) -> int:
    if as_json:
        show_json([correction.model_dump(mode="json") for correction in known.corrections])
        return 0
    show_table([_row(correction) for correction in known.corrections], COLUMNS, empty="nothing was measured yet")
    next_step("datahall calibrate my-runs.csv")
    return 0


def _show_learned(learned: "list[tuple[Correction, Fitted]]", skipped: list[str], *, as_json: bool, kept: bool) -> None:
    if as_json:
        told = [
            correction.model_dump(mode="json") | {"each": [_result(row) for row in fitted.rows]}
            for correction, fitted in learned
        ]
        show_json({"kept": kept, "corrections": told, "skipped": skipped})
        return
    rows = [_row(correction) | {"kept": _verdict(fitted, kept=kept)} for correction, fitted in learned]
    show_table(rows, COLUMNS, empty="nothing")
    for text in skipped[:SHOWN_SKIPPED]:
        out.print(f"left out: {text}", markup=False)
    if len(skipped) > SHOWN_SKIPPED:
        out.print(f"left out: {len(skipped) - SHOWN_SKIPPED} more rows; --json lists them", markup=False)
    changed = kept and any(fitted.helps for _, fitted in learned)
    say("`datahall plan --train` uses what was kept from now on" if changed else "nothing was changed")


def _verdict(fitted: "Fitted", *, kept: bool) -> str:
    if fitted.at_bound:
        return "not kept: beyond what a platform can be, so the rows must say more of what ran"
    if not fitted.helps:
        return "no better than before: not kept"
    return ("kept" if kept else "would be kept") + (", unchecked: there is no other row" if len(fitted.rows) == 1 else "")


def _row(correction: "Correction") -> dict[str, str]:
    return {
        "accelerator": correction.accelerator,
        "stack": correction.stack,
        "rows": f"{correction.rows:,}",
        "compute": f"× {correction.compute_ratio:.3f}",
        "exchange": f"× {correction.exchange_ratio:.3f}",
        "before": f"{correction.before_ratio:.1%}",
        "after": f"{correction.after_ratio:.1%}",
        "kept": f"since {correction.date}, from {correction.source}",
    }


def _result(row: Any) -> dict[str, Any]:
    return {"name": row.name, "measured_s": row.measured_s, "before_s": row.before_s, "after_s": row.after_s}
