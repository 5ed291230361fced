"""A hall through time: its plant, its faults and the work that it is given."""
