"""stats: a module per distribution, each a few formulas on Arrays; what is not a distribution is in `summaries`, `kde`."""
