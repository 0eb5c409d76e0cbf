"""fused: small graphs with loops in them as one C++ function, built in a fraction of a second.

A loop whose body is a handful of operations on a handful of numbers costs a thousand times its arithmetic when each
operation is a call. Here the whole graph, loops and all, becomes C++ without headers (`program`), is compiled by the
system's compiler once per source (`build`), and called through ctypes (`kernel`). For a GPU the same program is one of
the threads of a block (`team`), built by NVRTC (`gpu`). What it cannot say, it refuses (`Ineligible`), and the graph runs
as before.
"""
