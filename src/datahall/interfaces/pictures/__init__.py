"""Pictures of a plan: SVG drawn by hand, coloured by the page's style sheet, so that dark mode and print need no second copy."""
