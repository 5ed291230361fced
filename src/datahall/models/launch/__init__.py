"""A plan as what a trainer is started with: each field becomes an option, a word about what the trainer does anyway, or is
refused."""
