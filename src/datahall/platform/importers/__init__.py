"""Files of other schedulers as jobs; what has no counterpart is told."""
