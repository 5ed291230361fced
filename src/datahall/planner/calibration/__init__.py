"""Learning from what was measured: corrections of the predictor for one platform at a time."""
