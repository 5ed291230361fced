"""`weigh`: what a model takes in parameters, operations and bytes, and whether it fits an accelerator."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from datahall.interfaces.cli.hall import Json
from datahall.interfaces.cli.model_named import model_named
from datahall.interfaces.cli.output import exits, next_step, out, show_json, show_table

if TYPE_CHECKING:
    from datahall.foundation.errors import Problem
    from datahall.infrastructure.catalog.rows import AcceleratorRow
    from datahall.models.cost.spec import Architecture
    from datahall.models.parallel.spec import TrainPlan


def register(app: typer.Typer) -> None:
    app.command()(exits(weigh))


def _option(text: str) -> Any:
    return typer.Option(help=text, show_default=False)


def weigh(
    model: Annotated[str, typer.Argument(help="A model's name, or its config.json.", show_default=False)],
    on: Annotated[str | None, _option("An accelerator, by its name in the catalogue.")] = None,
    tensor: Annotated[int | None, _option("Tensor ranks.")] = None,
    pipeline: Annotated[int | None, _option("Pipeline stages.")] = None,
    chunks: Annotated[int | None, _option("Model chunks on each stage; more than one interleaves.")] = None,
    context: Annotated[int | None, _option("Context ranks.")] = None,
    expert: Annotated[int | None, _option("Expert ranks, of the data and context ranks.")] = None,
    data: Annotated[int | None, _option("Data ranks.")] = None,
    zero: Annotated[int | None, _option("What data ranks shard: 1 optimiser, 2 gradients too, 3 weights too.")] = None,
    shard: Annotated[int | None, _option("Ranks that shard, where fewer than all data ranks.")] = None,
    micro_batch: Annotated[int | None, _option("Sequences that a pipeline takes at once.")] = None,
    global_batch: Annotated[int | None, _option("Sequences in a step; without it, as many as fill the pipeline.")] = None,
    sequence: Annotated[int | None, _option("Tokens of a sequence; without it, the model's context.")] = None,
    recompute: Annotated[str | None, _option("none, selective, operators or full.")] = None,
    schedule: Annotated[str | None, _option("1f1b, interleaved, zero_bubble or dualpipe.")] = None,
    precision: Annotated[str | None, _option("fp32, bf16, fp16, fp8 or nvfp4.")] = None,
    as_json: Json = False,
) -> int:
    """Say what a model takes, and whether it fits. Example: datahall weigh llama3-70b --tensor 8 --data 8 --zero 1 --on H200"""
    from datahall.interfaces.weigh_text import weighing, weighing_rows

    architecture, device = model_named(model), _device(on)
    spread = {
        "tensor": tensor, "pipeline": pipeline, "chunks": chunks, "context": context, "expert": expert, "data": data,
        "zero": zero, "shard": shard, "micro_batch": micro_batch, "global_batch": global_batch, "recompute": recompute,
        "schedule": schedule,
    }  # fmt: skip
    given = {name: value for name, value in spread.items() if value is not None}
    length = sequence if sequence is not None else architecture.context
    common = {"sequence": length} | ({} if precision is None else {"precision": precision})
    checked = _plan(architecture, given | common)
    plan = checked if given else None
    found = weighing(architecture, plan, device, sequence=length, precision=checked.precision)
    if as_json:
        show_json(found)
    else:
        _show(list(weighing_rows(found)))
        next_step(
            f"datahall weigh {model} --tensor 8 --data 8 --zero 1 --on H200"
            if plan is None
            else "datahall catalog accelerators"
        )
    return 1 if found["fits"] is False else 0


def _show(rows: list[tuple[str, str]]) -> None:
    if not out.is_terminal:
        show_table([{"a": name.strip(), "b": text} for name, text in rows], {"a": "", "b": ""}, empty="nothing")
        return
    for name, text in rows:
        out.print(f"{name:<14}{text}", markup=False)


def _device(name: str | None) -> "AcceleratorRow | None":
    """The row that the name names. Raises Missing (PAR-019) with the near names."""
    from datahall.foundation.errors import Missing, Problem
    from datahall.infrastructure.catalog.catalogue import near
    from datahall.infrastructure.catalog.rows import accelerator_rows, row_for

    if name is None:
        return None
    found = row_for(name, accelerator_rows())
    if found is None:
        names = [row.name for row in accelerator_rows()]
        parts = [known for known in names if name.casefold() in known.casefold()] if name else []
        fix = (
            f"name one of {', '.join(parts[:6])}"
            if parts
            else near(name, names, otherwise="see `datahall catalog accelerators`")
        )
        what = f"there is no accelerator {name[:80]!a} in the catalogue, so its memory is not known"
        raise Missing(Problem("PAR-019", "--on", what, fix))
    return found


def _plan(architecture: "Architecture", given: dict[str, Any]) -> "TrainPlan":
    """The plan that the options say. Raises Refused with every problem at once, each at its option."""
    from pydantic import ValidationError

    from datahall.foundation.document import problems_of
    from datahall.foundation.errors import Refused
    from datahall.models.parallel.checks import problems_of_plan
    from datahall.models.parallel.spec import TrainPlan

    given = {"schedule": "interleaved"} | given if (given.get("chunks") or 1) > 1 else dict(given)
    filled = (given.get("micro_batch") or 1) * (given.get("data") or 1) * (given.get("pipeline") or 1)
    double = 2 if given.get("schedule") == "dualpipe" else 1
    given.setdefault("global_batch", max(1, double * filled))
    try:
        plan = TrainPlan(**given)
    except ValidationError as error:
        raise Refused([_at_option(problem) for problem in problems_of(error, TrainPlan)]) from None
    if problems := problems_of_plan(architecture, plan):
        raise Refused([_at_option(problem) for problem in problems])
    return plan


def _at_option(problem: "Problem") -> "Problem":
    """Where a problem lies: `plan.micro_batch` is the option `--micro-batch`."""
    return replace(problem, where=f"--{problem.where.split('.')[-1].split(' ')[-1].replace('_', '-')}")
