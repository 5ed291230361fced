"""How a model is spread over accelerators, and what each of them then holds."""
