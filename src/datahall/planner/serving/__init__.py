"""How a hall would serve a model: which way, for how many requests, how fast, at what cost."""
