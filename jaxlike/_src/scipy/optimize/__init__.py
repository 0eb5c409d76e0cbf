"""optimize: minimization of smooth functions of a vector; `line_search`, `bfgs`, `lbfgs` and what chooses, `minimize`."""
