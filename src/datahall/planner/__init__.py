"""The planner: what a hall would draw, cool, cost and survive; the floors' formulas, added up."""
