"""The programs of a run: train, sample, judge, measure, verdict.

`python -m sirtui.stages ATTEMPT` runs one from its attempt folder. A stage reads and writes files; it never opens the
store, never starts another stage, and knows no screen.
"""
