"""The answers of `plan --train` and `plan --serve`: asked of each hall, shown, compared, written as a page or as a launch."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from datahall.foundation.errors import Conflict, DatahallError, Missing, Problem, Refused
from datahall.interfaces.cli.asked import Asked, checked, pinned
from datahall.interfaces.cli.launching import LAUNCH, launchable, launched
from datahall.interfaces.cli.model_named import model_named
from datahall.interfaces.cli.option_places import option_of
from datahall.interfaces.cli.output import err, next_step, out, say, show_json, show_problems, show_table
from datahall.interfaces.cli.quantities import count, seconds
from datahall.interfaces.cli.targets import refuse_target

if TYPE_CHECKING:
    from datahall.planner.load import Loaded

MOST_TRIED = 30
"""Plans of which a trainer is told the fastest that it takes."""


def answer(halls: Sequence[Path], asked: Asked, *, as_json: bool, report: Path | None, force: bool) -> int:
    """Ask every hall, and show what they say. Raises Refused with every problem of the question.

    With several halls, one that cannot is told beside those that can; the exit code is then that of its problem. It is 1
    where a level of service is not met.
    """
    from datahall.planner.load import load_all

    checked(asked)
    launchable(halls, asked, as_json=as_json)
    if report is not None:
        mark = {"mark": LAUNCH} if asked.launch else {}
        refuse_target(report, halls, force=force, **mark)
    loaded = load_all(halls)
    found = _answers(loaded, asked, whole=asked.launch is None)
    forecasts = [one for one in found if not isinstance(one, DatahallError)]
    failed = [one for one in found if isinstance(one, DatahallError)]
    if not forecasts or (failed and len(found) == 1):
        raise Refused([problem for one in failed for problem in one.problems]) if len(failed) > 1 else failed[0]
    if asked.launch:
        return launched(asked.launch, forecasts[0], loaded[0], report)
    if report is not None:
        _write_page(report, forecasts)
    if as_json:
        told = [_as_dict(hall, one) for hall, one in zip(halls, found, strict=True)]
        show_json(told if len(told) > 1 else told[0])
    else:
        _show(forecasts)
        _say_what_next(halls, asked, report)
    show_problems([problem for one in failed for problem in one.problems])
    return failed[0].exit_code if failed else int(any(getattr(one, "shortfall", None) for one in forecasts))


def figures_of(hall: Path, asked: Asked) -> Any:
    """Figures of the one answer, to be explained."""
    from datahall.planner.load import load

    checked(asked)
    found = _answers([load(hall)], asked, whole=False)[0]
    if isinstance(found, DatahallError):
        raise found
    return found.figures


def _answers(halls: "Sequence[Loaded]", asked: Asked, *, whole: bool) -> list[Any]:
    """A forecast of each hall, or why there is none. whole: with what other halls and numbers of accelerators would do."""
    architecture = model_named(asked.train or asked.serve or "", where="--train" if asked.train is not None else "--serve")
    ask = _train(asked, whole=whole) if asked.train is not None else _serve(asked, whole=whole)
    found = list[Any]()
    with err.status("looking for the best way") if err.is_terminal else contextlib.nullcontext():
        for loaded in halls:
            try:
                found.append(ask(loaded, architecture))
            except (Refused, Missing, Conflict) as error:
                found.append(type(error)([_at_option(problem, loaded, many=len(halls) > 1) for problem in error.problems]))
    return found


def _train(asked: Asked, *, whole: bool) -> Any:
    """What asks one hall, corrected by what this home has measured. Raises Refused where an option is no amount."""
    from datahall.planner.calibration.store import read_corrections
    from datahall.planner.training.forecast import train_of
    from datahall.planner.training.request import TrainRequest
    from datahall.platform.home import Home

    fields = {
        "tokens": count(asked.tokens or "", "--tokens"), "sequence": asked.sequence, "global_batch": asked.global_batch,
        "accelerators": asked.accelerators, "accelerator": asked.accelerator, "precision": asked.precision,
        "stack": asked.stack, "start_h": asked.start, "pinned": pinned(asked), "what_ifs": whole, "sweep": whole,
        "top": MOST_TRIED if asked.launch else None,
    }  # fmt: skip
    request = _request(TrainRequest, fields, "train")
    measured = read_corrections(Home.from_environment().root)
    return lambda loaded, architecture: train_of(loaded, architecture, request, corrections=measured)


def _serve(asked: Asked, *, whole: bool) -> Any:
    """The same for serving; what is pinned are fields of the request itself."""
    from datahall.planner.serving.forecast import serve_of
    from datahall.planner.serving.request import ServeRequest

    times = {name: getattr(asked, name) for name in ("ttft_p95", "ttft_p99", "tpot_p95", "tpot_p99")}
    fields = {
        "input_tokens": count(asked.input or "", "--input"), "output_tokens": count(asked.output or "", "--output"),
        **{f"{name}_s": seconds(text, f"--{name.replace('_', '-')}") for name, text in times.items() if text is not None},
        "requests_per_s": asked.requests_per_s, "concurrency": asked.concurrency, "precision": asked.precision,
        "kv_precision": asked.kv_precision, "engine": asked.engine, "prefix_hit_ratio": asked.prefix_hit_ratio,
        "accelerators": asked.accelerators, "accelerator": asked.accelerator, "what_ifs": whole, **pinned(asked),
    }  # fmt: skip
    request = _request(ServeRequest, fields, "serve")
    return lambda loaded, architecture: serve_of(loaded, architecture, request)


def _request(spec: Any, fields: Mapping[str, Any], area: str) -> Any:
    """The question as a spec; what was left out is left to it. Raises Refused with every field that is out of range."""
    from pydantic import ValidationError

    from datahall.foundation.document import problems_of

    try:
        return spec(**{name: value for name, value in fields.items() if value is not None})
    except ValidationError as error:
        found = problems_of(error, spec)
        raise Refused([replace(problem, where=option_of(f"{area}.{problem.where}")) for problem in found]) from None


def _at_option(problem: Problem, loaded: "Loaded", *, many: bool) -> Problem:
    """Where its user said it; with several halls, which of them it is about."""
    what = f"{loaded.hall.name}: {problem.what}" if many else problem.what
    return replace(problem, where=option_of(problem.where), what=what)


# --- what is shown ----------------------------------------------------------------------------------------------


def _show(forecasts: Sequence[Any]) -> None:
    from datahall.interfaces import forecast_text, serve_text, train_text
    from datahall.planner.training.result import TrainForecast

    told: Any = train_text if isinstance(forecasts[0], TrainForecast) else serve_text
    if len(forecasts) > 1:
        _show_compared(list(told.compared(forecasts)))
        return
    headline, lines = told.headline(forecasts[0]), told.lines(forecasts[0], bars=out.is_terminal)
    if not out.is_terminal:
        for text in forecast_text.plain(headline, lines):
            out.file.write(f"{text}\n")
        return
    for line in forecast_text.screen(headline, lines):
        out.print(line)


def _show_compared(rows: Sequence[Sequence[str]]) -> None:
    head, *body = rows
    if not out.is_terminal:
        out.file.write("\t".join(head) + "\n")
    names = {f"{n}": name for n, name in enumerate(head)}
    show_table([{f"{n}": cell for n, cell in enumerate(row)} for row in body], names, empty="nothing to compare")


def _as_dict(hall: Path, found: Any) -> dict[str, Any]:
    if isinstance(found, DatahallError):
        return {"file": str(hall), "problems": [problem.as_dict() for problem in found.problems]}
    shown: dict[str, Any] = found.as_dict()
    return shown


def _write_page(report: Path, forecasts: Sequence[Any]) -> None:
    from datahall.foundation import files
    from datahall.interfaces.forecast_page import page

    files.write_text(report, page(forecasts))


def _say_what_next(halls: Sequence[Path], asked: Asked, report: Path | None) -> None:
    if report is not None:
        say(f"wrote {report}")
    if asked.train is not None:
        question = f"--train {asked.train} --tokens {asked.tokens}"
        figure = "train_days"
    else:
        question = f"--serve {asked.serve} --input {asked.input} --output {asked.output}"
        figure = "serve_requests_per_s"
    if report is None:
        next_step(f"datahall plan {halls[0]} {question} -o report.html")
    else:
        next_step(f"datahall explain {halls[0]} {figure} {question}")
