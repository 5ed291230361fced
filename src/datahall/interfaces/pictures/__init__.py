"""Pictures of a plan: SVG drawn by hand and coloured by the page's style sheet, in dark mode and on paper too."""
