"""What a recipe says about its data."""

from typing import Annotated, Literal

from pydantic import Field

from datahall.foundation.spec import Name, Spec


class Split(Spec):
    """How rows are dealt out. No row, no duplicate and no group stands on two sides."""

    test_ratio: float = Field(default=0.2, ge=0, lt=1)
    """Share of the rows for the final test; ignored when the source has a test part of its own."""
    validation_ratio: float = Field(default=0.1, ge=0, lt=1)
    """Share of the remaining rows for validation."""
    stratify: bool = True
    """Keep each class's share on every side."""
    group_column: str | None = Field(default=None, min_length=1)
    """A column (CSV) whose equal values stay together, such as a patient or a speaker. It is no feature."""


class Cleaning(Spec):
    """What is done about bad rows. Every choice is counted in the data card."""

    missing: Literal["drop", "mean", "median", "refuse"] = "drop"
    """Rows with a missing value, NaN or infinity. `mean` and `median` are those of training rows; texts get the commonest."""
    duplicates: Literal["drop", "keep"] = "drop"
    """Rows whose features and label both repeat; the first stays. A test part of the source's own is left whole."""
    outliers: Literal["keep", "drop", "clip"] = "keep"
    """Values further than `outlier_iqr` interquartile ranges from the quartiles of training rows (tables only).

    `drop` leaves out training rows only, so that the test stays honest; `clip` pulls values in on every side.
    """
    outlier_iqr: float = Field(default=3.0, gt=0)
    conflicts: Literal["drop", "keep"] = "drop"
    """Equal features with different labels: at least one label is wrong."""


class Augmentation(Spec):
    """Random changes of training images, drawn anew each epoch. Zero or one means none."""

    rotate_deg: float = Field(default=0, ge=0, le=180)
    """Up to this many degrees either way."""
    scale_ratio: float = Field(default=0, ge=0, lt=1)
    """Size between 1 - this and 1 + this."""
    shift_ratio: float = Field(default=0, ge=0, lt=1)
    """Shift up to this share of the width and height."""
    crop_ratio: float = Field(default=0, ge=0, lt=1)
    """Cut a random window that leaves out up to this share, and stretch it back."""


class Download(Spec):
    """Files that are fetched once and kept; offline, the message says what to put where."""

    file: Name
    urls: tuple[str, ...] = Field(min_length=1)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class DigitsSource(Spec):
    """1,797 grey 8x8 handwritten digits that come with scikit-learn (UCI, Alpaydin and Kaynak, 1998)."""

    kind: Literal["digits"]


class IdxSource(Spec):
    """IDX files, plain or .gz, such as MNIST. Relative paths are looked up beside the recipe, then in DATAHALL_SHARED."""

    kind: Literal["idx"]
    train_images: str
    train_labels: str
    test_images: str | None = None
    test_labels: str | None = None
    download: tuple[Download, ...] = ()


class CsvSource(Spec):
    """A table with a header (or `columns`), one row an example. Text columns become categories."""

    kind: Literal["csv"]
    file: str
    test_file: str | None = None
    """The test part, with the same columns, when it comes in a file of its own."""
    label: str
    """The column to predict."""
    drop: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    """Names of the columns when the file has no header."""
    delimiter: str = Field(default=",", min_length=1, max_length=1)
    missing_marks: tuple[str, ...] = ("", "?", "NA", "NaN", "nan", "null")
    download: tuple[Download, ...] = ()


class ImageFolderSource(Spec):
    """A folder (or .zip) with one sub-folder of images a class."""

    kind: Literal["images"]
    folder: str
    size_px: int | None = Field(default=None, ge=4, le=1024)
    """Resize to this square; without it, images of mixed sizes are refused."""
    grey: bool = True


class NumpySource(Spec):
    """Arrays `x` and `y` in an .npz, or two .npy files. Never unpickled."""

    kind: Literal["numpy"]
    file: str | None = None
    x: str | None = None
    y: str | None = None


Source = Annotated[DigitsSource | IdxSource | CsvSource | ImageFolderSource | NumpySource, Field(discriminator="kind")]


class DataSpec(Spec):
    """From a source to arrays that a model can train on."""

    source: Source
    clean: Cleaning = Cleaning()
    normalise: Literal["none", "standard", "minmax", "unit"] = "standard"
    """Fitted on training rows only. `unit` divides images by 255 (or their declared maximum)."""
    split: Split = Split()
    augment: Augmentation = Augmentation()
    labels: tuple[str, ...] = ()
    """Names of the classes in order; without it they are found in the data."""
    licence: str | None = None
    """What the publisher allows, as the publisher says it; copied into the data card."""
