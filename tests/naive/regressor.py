"""Definitions of R-CNN's box regression (Girshick et al., CVPR 2014, appendix C) and of its code."""

import math

from tests.naive.overlaps import pair_iou

EPS = 2.0**-52  # MATLAB's eps, which the authors' code adds to widths and heights


def targets(proposal, box):
    """Equations 6-9: t_x, t_y, t_w, t_h."""
    pw, ph = proposal[2] - proposal[0] + EPS, proposal[3] - proposal[1] + EPS
    gw, gh = box[2] - box[0] + EPS, box[3] - box[1] + EPS
    tx = (box[0] + 0.5 * gw - (proposal[0] + 0.5 * pw)) / pw
    ty = (box[1] + 0.5 * gh - (proposal[1] + 0.5 * ph)) / ph
    return [tx, ty, math.log(gw / pw), math.log(gh / ph)]


def moved(proposal, step, clamp):
    """Equations 1-4: the predicted box."""
    pw, ph = proposal[2] - proposal[0] + EPS, proposal[3] - proposal[1] + EPS
    x, y = proposal[0] + 0.5 * pw + step[0] * pw, proposal[1] + 0.5 * ph + step[1] * ph
    w = pw * math.exp(step[2] if clamp is None else min(step[2], clamp))
    h = ph * math.exp(step[3] if clamp is None else min(step[3], clamp))
    return [x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h]


def times(a, b):
    """The product of two matrices."""
    return [[math.fsum(x * row[j] for x, row in zip(line, b)) for j in range(len(b[0]))] for line in a]


def transposed(a):
    """Rows become columns."""
    return [list(column) for column in zip(*a)]


def cholesky_solve(matrix, right):
    """X of matrix X = right for a symmetric positive definite matrix."""
    n = len(matrix)
    low = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i + 1):
            rest = matrix[i][j] - math.fsum(low[i][k] * low[j][k] for k in range(j))
            low[i][j] = math.sqrt(rest) if i == j else rest / low[j][j]
    columns = []
    for column in transposed(right):
        z = []
        for i in range(n):
            z.append((column[i] - math.fsum(low[i][k] * z[k] for k in range(i))) / low[i][i])
        x = [0.0] * n
        for i in reversed(range(n)):
            x[i] = (z[i] - math.fsum(low[k][i] * x[k] for k in range(i + 1, n))) / low[i][i]
        columns.append(x)
    return transposed(columns)


def ridge(rows, right, alpha):
    """(A'A + alpha I) beta = A'Y with a last column of ones in A, regularized like the others."""
    a = [[*row, 1.0] for row in rows]
    gram = times(transposed(a), a)
    for i, line in enumerate(gram):
        line[i] += alpha
    return cholesky_solve(gram, times(transposed(a), right))


def power(s, exponent):
    """S to a power, for a symmetric positive definite S: V diag(d ** exponent) V' by Jacobi's rotations."""
    n = len(s)
    d, v = [list(row) for row in s], [[float(i == j) for j in range(n)] for i in range(n)]
    for _ in range(12):  # sweeps; off the diagonal the square of what was there is left after each, once it is small
        for p in range(n):
            for q in range(p + 1, n):
                if d[p][q] != 0.0:
                    angle = 0.5 * math.atan2(2.0 * d[p][q], d[q][q] - d[p][p])
                    turn = [[float(i == j) for j in range(n)] for i in range(n)]
                    turn[p][p] = turn[q][q] = math.cos(angle)
                    turn[p][q], turn[q][p] = math.sin(angle), -math.sin(angle)
                    d, v = times(times(transposed(turn), d), turn), times(v, turn)
    scaled = [[v[i][j] * d[j][j] ** exponent for j in range(n)] for i in range(n)]
    return times(scaled, transposed(v))


def hazen(values, q):
    """The quantile at (i - 0.5) / n, linear between the sorted values."""
    values, place = sorted(values), q * len(values) - 0.5
    place = min(max(place, 0.0), len(values) - 1.0)
    i = min(int(place), len(values) - 2) if len(values) > 1 else 0
    return values[i] + (values[min(i + 1, len(values) - 1)] - values[i]) * (place - i)


def fit_class(rows, steps, alpha, whiten, trim):
    """(n, beta, mean, T) of one class: targets centered and decorrelated, ridge, and the trimmed refit."""
    n = len(rows)
    mean = [math.fsum(column) / n for column in transposed(steps)]
    apart = [[t - m for t, m in zip(step, mean)] for step in steps]
    products = times(transposed(apart), apart)
    s = [[x / n + 0.001 * (i == j) for j, x in enumerate(row)] for i, row in enumerate(products)]
    whitening = power(s, -0.5) if whiten else [[float(i == j) for j in range(4)] for i in range(4)]
    wanted = times(apart, whitening)
    beta = ridge(rows, wanted, alpha)
    if trim > 0:
        found = times([[*row, 1.0] for row in rows], beta)
        for t in range(4):
            errors = [(f[t] - w[t]) ** 2 for f, w in zip(found, wanted)]
            stays = [i for i in range(n) if errors[i] < hazen(errors, 1.0 - trim)]
            if stays:
                column = ridge([rows[i] for i in stays], [[wanted[i][t]] for i in stays], alpha)
                for line, (value,) in zip(beta, column):
                    line[t] = value
    return n, beta, mean, whitening


def fit(features, proposals, boxes, labels, alpha=1000.0, min_iou=0.6, whiten=True, trim=0.0,
        feature_norm=None, offset=0):  # fmt: skip
    """The model of each class (None without rows) and the features' scale; arguments are lists of images."""
    norms = [math.sqrt(math.fsum(x * x for x in row)) for table in features for row in table]
    scale = 1.0 if feature_norm is None else feature_norm / (math.fsum(norms) / len(norms))
    rows = {label: ([], []) for image in labels for label in image}
    for table, places, truth, classes in zip(features, proposals, boxes, labels):
        for row, place in zip(table, places):
            overlaps = [pair_iou(place, box, offset) for box in truth]
            if overlaps and max(overlaps) > min_iou:
                best = overlaps.index(max(overlaps))
                rows[classes[best]][0].append([x * scale for x in row])
                rows[classes[best]][1].append(targets(place, truth[best]))
    return {k: fit_class(*rows[k], alpha, whiten, trim) if rows[k][0] else None for k in rows}, scale


def predict(model, features, proposals, labels, clamp=4.135166556742356):
    """The moved boxes: (F beta) T^-1 + mu, then equations 1-4. A class without rows leaves its boxes."""
    models, scale = model
    result = []
    for row, place, label in zip(features, proposals, labels):
        if models[label] is None:
            result.append(list(place))
            continue
        _, beta, mean, whitening = models[label]
        found = times([[*(x * scale for x in row), 1.0]], beta)
        back = power([list(line) for line in whitening], -1.0)
        step = [x + m for x, m in zip(times(found, back)[0], mean)]
        result.append(moved(place, step, clamp))
    return result
