"""The mathematics of a multi-layer perceptron, once, in plain NumPy; `docs/mathematics.md` derives each equation."""
