"""The nano world: arithmetic chains told as word problems or as algebra, and the model that learnt them.

`chain` holds the arithmetic and the ways of solving it, `words` and `algebra` tell it in text, `model/` is the
checkpoint M_0 built by `experiments/nano/build_m0.py`. Nothing here knows of a loop: the tasks on the shelf do.
"""
