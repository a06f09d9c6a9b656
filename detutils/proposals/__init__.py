"""Selective Search: class-independent object proposals from a hierarchy of regions.

``colours`` makes the planes, ``segmentation`` the first regions, ``regions`` describes them, ``grouping``
merges them, ``ranking`` orders the boxes, and ``strategies`` puts it all together.
"""

from __future__ import annotations

from detutils.proposals.grouping import Hierarchy, Strategy, hierarchical_grouping
from detutils.proposals.segmentation import felzenszwalb
from detutils.proposals.strategies import Proposals, selective_search

__all__ = ["Hierarchy", "Proposals", "Strategy", "felzenszwalb", "hierarchical_grouping", "selective_search"]
