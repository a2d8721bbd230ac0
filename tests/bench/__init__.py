"""What the budgets are worth on this machine: ours beside a reference, measured in the same run.

`make bench`, or `python -m tests.bench [NAME...] [--quick] [--json FILE]`. One module a group:
each has `measure(bench)`, which yields `Line`s. `harness` measures, `report` prints.
"""
