"""Compiled loops, one file a family. A file here is closed: it imports only math, numba, numpy and ``_jit``.

Numba stamps cached machine code with the content of the kernel's own file. A helper or a constant that lived elsewhere
could change and the old code would still be served.
"""
