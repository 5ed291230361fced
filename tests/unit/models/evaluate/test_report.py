"""The page as a reader's browser and a reader's enemy see it."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from datahall.foundation.errors import Refused
from datahall.models.evaluate.evaluation import evaluation
from datahall.models.evaluate.facts import Facts
from datahall.models.evaluate.mistakes import described, worst_mistakes
from datahall.models.evaluate.report import build_report, confusions, energy_label, micros, number, page, percent, watt_hours
from datahall.models.evaluate.spec import EvaluateSpec

HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>'
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Tags(HTMLParser):
    """Every element with its attributes, and what was left open."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def facts(*, kind: str = "image", labels: tuple[str, ...] = ("cat", "dog", "hare"), **changes) -> Facts:
    """Forty rows of three classes, four of them wrong, with everything that a report shows."""
    dice = np.random.default_rng(0)
    y_N = np.arange(40) % len(labels)
    p_NK = (
        np.full((40, len(labels)), 0.1) + 0.7 * np.eye(len(labels))[np.where(np.arange(40) < 4, (y_N + 1) % len(labels), y_N)]
    )
    shape, columns = ((4, 4), []) if kind == "image" else ((3,), ["age", "colour=red", "colour=blue"])
    rows = worst_mistakes(y_N, p_NK, most=24)
    x = dice.integers(0, 256, (40, *shape)).astype(np.uint8) if kind == "image" else np.tile([41.5, 0.0, 1.0], (40, 1))
    about = {
        "recipe": "zoo",
        "description": "Tells animals apart.",
        "folder": "recipes",
        "seed": 5,
        "kind": kind,
        "row_shape": list(shape),
        "columns": columns,
        "source": {"kind": "csv"},
        "example": [],
        "example_label": labels[0],
        "data_card": {
            "rows": {"train": 100},
            "classes": [{"label": label, "train": 3} for label in labels],
            "warnings": ["look here"],
        },
        "mistakes": described(rows, y_N, p_NK, labels=labels, source_rows_N=np.arange(40)),
    }
    model = {"model": {"family": "mlp", "hidden": [8], "activation": "relu"}, "row_shape": list(shape), "labels": list(labels)}
    history = [
        {"epoch": e, "train_loss": 1 / e, "validation_loss": 1.1 / e, "validation_accuracy": 0.5, "learning_rate": 0.1 / e}
        for e in (1, 2, 3)
    ]
    training = {
        "seconds": 2.5,
        "parameters": 163,
        "energy": {"joules": 50.0, "measured": False, "source": "TDP"},
        "versions": {"torch": "2.13"},
    }
    measured = evaluation(y_N, p_NK, labels=labels, spec=EvaluateSpec(bootstrap_samples=20), seed=1)
    made = Facts(model=model, history=history, training=training, evaluation=measured, about=about, mistakes=x[rows])
    return dataclasses.replace(made, **changes)


COMPRESSION = {
    "chosen": "int8",
    "why": "int8 is 3.4 × smaller",
    "int8": "static",
    "runtime": "ONNX Runtime",
    "parity": {"rows": 40, "max_difference": 1e-7, "tolerance": 1e-4},
    "variants": [
        {
            "name": name,
            "file": "f",
            "size_bytes": size,
            "accuracy": 0.9,
            "agreement": 0.995,
            "latency_s": {"1": 5e-6, "64": 4e-5},
        }
        for name, size in (("float32", 400_000), ("int8", 120_000))
    ],
}


@pytest.mark.parametrize("kind", ["image", "table"])
@pytest.mark.parametrize("compression", [None, COMPRESSION])
def test_the_page_is_whole_and_loads_nothing(kind, compression):
    """Given an image or a table model, every tag closes, no script runs, and no address leads out of the page."""
    tags = Tags(page(facts(kind=kind, compression=compression)))
    assert tags.open == []
    assert not {"script", "link", "iframe", "object", "form"} & {tag for tag, _ in tags.seen}
    for _, attributes in tags.seen:
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert attributes.get(name, "#").startswith(("#", "data:image/png;base64,"))
    assert "url(" not in page(facts()) and "@import" not in page(facts())


def test_every_part_is_there():
    """Given a packaged image model, a reader finds results, cards, energy, versions, seed and the command to repeat it."""
    text = page(facts(compression=COMPRESSION))
    for words in (
        "90.0 %",
        "Tells animals apart.",
        "4 of 40 test rows are answered wrongly",
        "Learning rate",
        "Commonest confusions",
        "Expected calibration error",
        "Class by class",
        "worst mistakes",
        "Size and speed",
        "Data card",
        "look here",
        "Intended use",
        "16 → 8 → 3",
        "13.9 mWh",
        "estimated, TDP",
        "2.13",
        "datahall run recipes/zoo.yaml",
        "with seed 5",
    ):
        assert words in text, words
    assert text.count("data:image/png;base64,") == 4


@pytest.mark.parametrize("kind", ["image", "table"])
def test_hostile_names_are_text(kind):
    """Given labels, descriptions and card entries that are markup, the page shows them and none becomes an element."""
    made = facts(kind=kind, labels=("cat", HOSTILE, "hare"))
    about = made.about | {"recipe": HOSTILE, "description": HOSTILE, "data_card": {HOSTILE: HOSTILE, "warnings": [HOSTILE]}}
    about["columns"] = [HOSTILE, "colour=red", "colour=" + HOSTILE] if kind == "table" else []
    tags = Tags(page(dataclasses.replace(made, about=about, training=made.training | {"versions": {HOSTILE: HOSTILE}})))
    assert tags.open == [] and "script" not in {tag for tag, _ in tags.seen}
    assert not any("onerror" in attributes for _, attributes in tags.seen)
    assert "<script" not in page(dataclasses.replace(made, about=about))


def test_a_model_without_history_mistakes_or_intervals_still_has_a_page():
    """Given a foreign trainer without history, a perfect model and no bootstrap, sections without data are left out."""
    y_N = np.array([0, 1, 2])
    measured = evaluation(y_N, np.eye(3), labels=("a", "b", "c"), spec=EvaluateSpec(bootstrap_samples=0), seed=0)
    made = facts()
    bare = dataclasses.replace(
        made, history=[], training={}, evaluation=measured, about=made.about | {"mistakes": []}, mistakes=made.mistakes[:0]
    )
    text = page(bare)
    assert "0 of 3 test rows are answered wrongly" in text
    assert 'id="training"' not in text and 'id="mistakes"' not in text and "confidence, 3 rows" not in text


def test_many_classes_are_listed_but_not_drawn():
    """Given 40 classes, there is no matrix of 1,600 cells; the commonest confusions stay."""
    labels = tuple(f"class {n}" for n in range(40))
    text = page(facts(labels=labels))
    assert 'class="matrix"' not in text and "Commonest confusions" in text


def test_both_themes_are_styled():
    """Given the page, colours exist for light and for dark, and charts name no colour of their own."""
    text = page(facts())
    assert "prefers-color-scheme: dark" in text
    charts = re.findall(r"<svg class=\"chart\".*?</svg>", text, re.S)
    assert len(charts) == 4 and not any(re.search(r"#[0-9a-f]{3,6}|rgb\(", chart) for chart in charts)


def test_confusions_come_commonest_first():
    """Given a matrix, each off-diagonal cell is a confusion with its share of the true class."""
    found = confusions({"labels": ["a", "b"], "confusion": [[8, 2], [5, 5]]})
    assert found == [("b", "a", 5, 0.5), ("a", "b", 2, 0.2)]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (percent(0.97612), "97.6 %"),
        (percent(1.0), "100.0 %"),
        (percent(0.99991), "99.99 %"),
        (percent(None), "–"),
        (number(1234567), "1,234,567"),
        (number(0.000012345), "1.234e-05"),
        (number(True), "yes"),
        (number(None), "–"),
        (watt_hours(50), "13.9 mWh"),
        (watt_hours(0.3), "83.3 µWh"),
        (energy_label({"joules": 1, "measured": True, "source": "RAPL"}), "measured, RAPL"),
        (energy_label({"joules": 1, "measured": False, "source": "estimate: CPU time"}), "estimate: CPU time"),
        (watt_hours(7.2e6), "2 kWh"),
        (micros(2.41e-5), "24 µs"),
        (micros(0.0042), "4.2 ms"),
    ],
)
def test_numbers_read_as_people_write_them(shown, expected):
    assert shown == expected


def test_a_broken_folder_is_one_problem(tmp_path):
    """Given a folder whose evaluation.json is no JSON, the problem names the file."""
    (tmp_path / "model.json").write_text(json.dumps({}))
    (tmp_path / "evaluation.json").write_text("{")
    with pytest.raises(Refused, match=r"evaluation.json: EVAL-005 cannot be read: .*Run the step that makes it again"):
        build_report(train=tmp_path, evaluate=tmp_path)
