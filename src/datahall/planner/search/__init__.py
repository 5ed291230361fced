"""The best way to run a training step: every possible plan weighed and timed by the formulas of `models.parallel`."""
