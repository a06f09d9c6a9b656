"""Selective Search: where in a photograph an object may be.

In the order of work: ``colors`` makes planes of an image, ``segmentation`` regions of planes; ``regions`` describes
them, ``grouping`` merges them into a hierarchy; ``objectness`` gathers and scores the boxes of many hierarchies,
``cover`` puts them in order. ``strategies`` holds the modes and the one call that does it all, ``batch`` does it for
many files.
"""
