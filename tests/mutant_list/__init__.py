"""The faults that ``python -m tests.mutants`` puts into kernels, and the tests that must notice each.

Wrong in one line, as a slip would be: a comparison at a threshold, a tie, the end of a block, a bound that is drawn too
tight. What would change no result is not among them:

- how a scene is laid out (``neighbor_order``, the size of a hash table, the multiplier of a hash) and how long a call
  may work (``patience``): they cost time alone;
- soft-NMS's ``_touches`` with > for >=: what only touches is not decayed, and a kept box is marked without a visit;
- ``share_of`` with area >= 0: a box without area then runs through the filters, and its quotient is 0;
- ``total > most`` for ``==`` in suppression: what is kept too many is cut off by ``pick``; likewise ``seen > limit`` in
  COCO's matching, where a rank beyond the last limit is not counted;
- the sweep's ``=`` for ``|=`` at ``dropped``: a box that is forgotten is dropped in a later round, by the same pair;
- the sides of a binary search for a bound that is drawn wider than what it must hold (``close_pairs``, ``vote``);
- the column of a block in a scan of one component (``walk_scan``), where units are one block wide;
- the room for a scan's members and doubts: what does not fit, or is doubted twice, is read by ``json``;
- the guard of ``_quotient``: no numeral of up to 19 digits is known that comes so close to a tie.
"""

from __future__ import annotations

from tests.mutant_list import (
    association,
    candidates,
    checks,
    datasets,
    evaluation,
    families,
    fusion,
    geometry,
    letterbox,
    nms,
    pictures,
    proposals,
    rotated,
    targets,
)
from tests.mutant_list.fault import Mutant

MUTANTS: list[Mutant] = [
    mutant
    for family in (
        checks, geometry, targets, association, fusion, pictures, proposals, nms, evaluation, datasets, families,
        letterbox, candidates, rotated,
    )
    for mutant in family.MUTANTS
]
