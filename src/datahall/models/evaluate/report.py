"""One self-contained HTML page about one model: no link leaves it, nothing is loaded, no script runs in it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from datahall.foundation.units import bytes_text, seconds_text
from datahall.models.evaluate import charts, pictures
from datahall.models.evaluate.card import architecture, command, limits, weakest_class
from datahall.models.evaluate.charts import Series
from datahall.models.evaluate.facts import Facts, read_facts

MAX_MATRIX_CLASSES = 30
MAX_CONFUSIONS = 8
MAX_VALUES = 24
JOULES_PER_WH = 3600
NOT_SHOWN = ("format", "warnings", "kind", "seed")
"""Parts of the data card that the page shows elsewhere or not at all."""


def build_report(*, train: Path, evaluate: Path, compress: Path | None = None) -> str:
    """The page over the folders that are there; with `compress` it has a section on size and speed.

    Every text from outside (labels, descriptions, cards) is escaped. Raises Refused (EVAL-005) on an unreadable folder.
    """
    return page(read_facts(train=train, evaluate=evaluate, compress=compress))


def page(facts: Facts) -> str:
    """The page about `facts`."""
    environment = Environment(
        loader=PackageLoader("datahall.models.evaluate"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": number,
        "bytes": bytes_text,
        "seconds": seconds_text,
        "percent": percent,
        "words": words,
        "micros": micros,
    }
    environment.tests["flat"] = lambda thing: not any(value and isinstance(value, (dict, list)) for value in thing.values())
    return environment.get_template("report.html").render(
        facts=facts,
        about=facts.about,
        evaluation=facts.evaluation,
        metrics=facts.evaluation["metrics"],
        training=facts.training,
        compression=facts.compression,
        headline=list(headline(facts)),
        summary=list(summary(facts)),
        curves=curves(facts.history),
        reliability=charts.reliability_chart(facts.evaluation["reliability"]),
        matrix=len(facts.evaluation["labels"]) <= MAX_MATRIX_CLASSES,
        confusions=confusions(facts.evaluation)[:MAX_CONFUSIONS],
        worst_share=max((share for *_, share in confusions(facts.evaluation)), default=1),
        mistakes=list(mistakes(facts)),
        architecture=architecture(facts.model),
        limits=list(limits(facts)),
        command=command(facts.about),
        data_card={key: value for key, value in facts.about["data_card"].items() if key not in NOT_SHOWN},
        weakest=weakest_class(facts.evaluation),
        made=made(facts),
    )


def headline(facts: Facts) -> Iterator[dict[str, Any]]:
    """The tiles under the title: name, value and a line of explanation each."""
    metrics, intervals = facts.evaluation["metrics"], facts.evaluation["intervals"]
    yield _tile("Macro F1", percent(metrics["f1_macro"]), _between(intervals.get("f1_macro")))
    yield _tile("Calibration error", percent(metrics["calibration_error"]), "confidence minus accuracy, averaged")
    if parameters := facts.training.get("parameters"):
        yield _tile("Parameters", f"{parameters:,}", architecture(facts.model).get("layers", facts.model["model"]["family"]))
    if seconds := facts.training.get("seconds"):
        yield _tile("Training", seconds_text(seconds), f"{len(facts.history)} epochs" if facts.history else "")
    if energy := facts.training.get("energy"):
        yield _tile("Energy of training", watt_hours(energy["joules"]), "measured" if energy["measured"] else "estimated")
    if facts.compression is not None:
        chosen = next(row for row in facts.compression["variants"] if row["name"] == facts.compression["chosen"])
        yield _tile("Packaged", bytes_text(chosen["size_bytes"]), f"{chosen['name']}, {micros(chosen['latency_s']['1'])} a row")


def summary(facts: Facts) -> Iterator[str]:
    """What the numbers say, in sentences."""
    evaluation = facts.evaluation
    wrong = evaluation["rows"] - sum(row[k] for k, row in enumerate(evaluation["confusion"]))
    yield f"{wrong:,} of {evaluation['rows']:,} test rows are answered wrongly."
    if facts.compression is not None and facts.compression["chosen"] != "float32":
        chosen = next(row for row in facts.compression["variants"] if row["name"] == facts.compression["chosen"])
        right = percent(chosen["accuracy"])
        yield f"Figures are the trained model's; packaged is its {chosen['name']} variant, right for {right}."
    baseline = evaluation["baseline"]
    yield f"Always answering “{baseline['label']}” would be right for {percent(baseline['accuracy'])}."
    if weakest := weakest_class(evaluation):
        yield f"The hardest class is “{weakest['label']}”: {percent(weakest['recall'])} of its rows are found."
    if pairs := confusions(evaluation):
        label, taken, times, _ = pairs[0]
        yield f"The commonest confusion is “{label}” taken for “{taken}”, {times} {'time' if times == 1 else 'times'}."


def made(facts: Facts) -> dict[str, Any]:
    """How the model was made: seed, energy in words, then what the train step noted."""
    noted = {key: value for key, value in facts.training.items() if key not in ("seed", "energy")}
    energy = facts.training.get("energy")
    text = "kept in the job's record" if energy is None else f"{watt_hours(energy['joules'])}, {energy_label(energy)}"
    return {"seed": facts.about["seed"], "energy": text, **noted}


def confusions(evaluation: dict[str, Any]) -> list[tuple[str, str, int, float]]:
    """(true label, label given, how often, share of the true label's rows), the commonest first."""
    labels, found = evaluation["labels"], []
    for i, row in enumerate(evaluation["confusion"]):
        total = sum(row)
        found += [(labels[i], labels[j], times, times / total) for j, times in enumerate(row) if times and i != j]
    return sorted(found, key=lambda pair: -pair[2])


def curves(history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The training curves that the history holds: loss, accuracy, and the learning rate where it moves."""
    made = []
    for title, wanted in (
        ("Loss", {"train_loss": ("training", 1), "validation_loss": ("validation", 2)}),
        ("Accuracy", {"train_accuracy": ("training", 1), "validation_accuracy": ("validation", 2)}),
        ("Learning rate", {"learning_rate": ("learning rate", 3)}),
    ):
        lines = [Series(name, colour, _points(history, key)) for key, (name, colour) in wanted.items()]
        lines = [line for line in lines if line.points]
        if not lines or (title == "Learning rate" and len({y for _, y in lines[0].points}) == 1):
            continue
        chart = charts.line_chart(lines, title=title, x_name="epoch", from_zero=title != "Accuracy")
        made.append({"title": title, "lines": lines, "chart": chart})
    return made


def mistakes(facts: Facts) -> Iterator[dict[str, Any]]:
    """The worst mistakes, each with a picture (images) or its values (tables)."""
    is_image = facts.about["kind"] == "image"
    urls = pictures.data_urls(facts.mistakes) if is_image else []
    for at, found in enumerate(facts.about["mistakes"]):
        if is_image:
            yield found | {"picture": urls[at]}
        else:
            values = pictures.named_values(facts.mistakes[at].tolist(), facts.about["columns"])
            yield found | {"values": values[:MAX_VALUES], "left_out": max(0, len(values) - MAX_VALUES)}


def percent(value: float | None) -> str:
    """`0.97612` -> `97.6 %`; None, an undefined score, is a dash."""
    return "–" if value is None else f"{100 * value:.1f} %" if value < 0.9995 or value == 1 else f"{100 * value:.2f} %"


def number(value: Any) -> str:
    """A value of a card, as people read it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return "–" if value in (None, {}, []) else str(value)


def words(key: Any) -> str:
    """`learning_rate` -> `learning rate`."""
    return str(key).replace("_", " ")


def micros(duration_s: float) -> str:
    """A latency: `0.0000241` -> `24 µs`, `0.0042` -> `4.2 ms`."""
    return f"{1e6 * duration_s:.0f} µs" if duration_s < 1e-3 else f"{1e3 * duration_s:.3g} ms"


def watt_hours(joules: float) -> str:
    """`50` J -> `13.9 mWh`; `7.2e6` J -> `2 kWh`."""
    hours = joules / JOULES_PER_WH
    for unit, size in (("kWh", 1000.0), ("Wh", 1.0), ("mWh", 1e-3)):
        if hours >= size:
            return f"{hours / size:.3g} {unit}"
    return f"{hours * 1e6:.3g} µWh"


def energy_label(energy: dict[str, Any]) -> str:
    """Whether a meter read it, and which; an estimate's source says itself that it is one."""
    if energy["measured"]:
        return f"measured, {energy['source']}"
    return str(energy["source"]) if "estimate" in energy["source"] else f"estimated, {energy['source']}"


def _tile(name: str, value: str, note: str) -> dict[str, str]:
    return {"name": name, "value": value, "note": note}


def _between(interval: Sequence[float] | None) -> str:
    return "" if interval is None else f"{percent(interval[0])} to {percent(interval[1])}"


def _points(history: Sequence[dict[str, Any]], key: str) -> list[tuple[float, float]]:
    return [(float(row["epoch"]), float(row[key])) for row in history if row.get(key) is not None]
