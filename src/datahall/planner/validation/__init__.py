"""Claims tied to published tables: every row beside ours, hit or miss, and what a constant would have said."""
