"""Every argument of every public name, driven with hostile and with odd but valid values.

One table (``table``, an entry for each function, by subject in ``rooms``) names the arguments and their kinds, one list
(``values``) the values. A cell is a value in the place of one argument, all others being good. What must come of it is
told by an oracle that shares nothing with the package: each kind (``kinds``: ``numbers``, ``labels``, ``integer`` ...)
is a function that says which plain value an odd one stands for, if any. A value that stands for one must be answered
exactly as that one; every other must be refused with a built-in exception whose text names the argument (``verdicts``).

``python -m tests.hostile`` judges every cell; ``--deep`` in a process of its own, so that crashes and hangs count too.
"""
