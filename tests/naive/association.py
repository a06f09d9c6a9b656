"""The best one-to-one pairs of rows and columns, by trying all. Lists in, numbers out."""


def gains(values, threshold, maximize=True):
    """What each pair adds to the total; 0 for those that may not be matched."""
    if maximize:
        return [[value if value >= threshold and value > 0 else 0.0 for value in row] for row in values]
    return [[threshold - value if value < threshold else 0.0 for value in row] for row in values]


def best_total(rows, taken=()):
    """The greatest total of gains over all ways to give each row a column of its own, or none."""
    if not rows:
        return 0.0
    first, *others = rows
    best = best_total(others, taken)
    for j, gain in enumerate(first):
        if gain > 0 and j not in taken:
            best = max(best, gain + best_total(others, (*taken, j)))
    return best
