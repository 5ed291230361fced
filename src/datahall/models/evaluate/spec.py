"""What a recipe says about evaluation."""

from pydantic import Field

from datahall.foundation.spec import Spec


class EvaluateSpec(Spec):
    """Measured on the test part, which nothing before has seen."""

    bootstrap_samples: int = Field(default=1000, ge=0, le=100_000)
    """Resamples for the confidence intervals; 0 leaves them out."""
    confidence_ratio: float = Field(default=0.95, gt=0.5, lt=1)
    calibration_bins: int = Field(default=15, ge=2, le=100)
    worst_mistakes: int = Field(default=24, ge=0, le=200)
    """How many of the most confident mistakes are shown in the report."""
    min_accuracy_ratio: float | None = Field(default=None, ge=0, le=1)
    """Below this the step fails and nothing after it runs."""
