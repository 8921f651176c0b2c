"""Forms that several families share: exponential families, locations and scales, columns."""
