"""The box regressor of R-CNN: ridge regression from a proposal's features to the object beside it."""

from __future__ import annotations

import math
import os
from typing import IO, Any

import numpy as np

from detutils._jit import F8, I8
from detutils._kernels.limits import LIMIT
from detutils._validate import (
    as_boxes,
    as_flag,
    as_labels,
    as_number,
    as_offset,
    as_table,
    as_threshold,
    check_table_block,
)
from detutils.rcnn.array_files import read_arrays, write_arrays
from detutils.rcnn.class_models import LEARNED, ClassModel, ClassSums, Seen, TrainingRows, check_learned, moved_boxes
from detutils.rcnn.ridge import row_blocks

LARGEST_STEP = math.log(1000.0 / 16.0)
KIND = "detutils BoxRegressor"
OPTIONS = ("alpha", "min_iou", "whiten", "trim", "feature_norm", "offset", "clamp")


class NotFittedError(ValueError, AttributeError):
    """A result was asked of a regressor that has not learned anything yet."""


class BoxRegressor:
    """R-CNN's bounding-box regression: from the features of a proposal to a tighter box.

    For each class, four ridge regressions predict ((gx - px) / pw, (gy - py) / ph, log(gw / pw), log(gh /
    ph)) of a proposal p and its object g (centers and sizes) from the proposal's features and a constant. The
    training rows are the proposals whose best ground truth overlaps them by more than ``min_iou``.

    Parameters
    ----------
    alpha : float, default 1000.0
        Weight of the squared coefficients beside the *sum* of squared errors, at least 0. The constant is
        regularized like any other coefficient. 0 needs features of full rank.
    min_iou : float, default 0.6
        A proposal teaches if its IoU with its best ground truth is greater than this; at exactly this IoU it
        does not. Of several equally good ground truths, the first counts.
    whiten : bool, default True
        Decorrelate the four targets, T = (S + 0.001 I)^(-1/2) with S their covariance, before fitting. The
        targets are centered in any case. With one ``alpha`` for all, this cancels out of the predictions; it
        shapes ``coef_`` and decides what ``trim`` leaves out.
    trim : float, default 0.0
        Fit again without the worst rows: for each target on its own, only rows whose squared error is below
        the (1 - trim) quantile (Hazen's) stay. Where none would stay, the first fit stands. Less than 1.
    feature_norm : float, optional
        Multiply the features by one number so that the mean Euclidean norm of *all* rows given to ``fit`` is
        this (the original: 20). By default they are taken as they are.
    offset : {0, 1}, default 0
        Pixel rule of the IoU that chooses the training rows. Sizes are x2 - x1 in both cases.
    clamp : float or None, default log(1000 / 16)
        Upper bound of the predicted log size ratios, as in ``decode_boxes``; None for none.

    Attributes
    ----------
    classes_ : (C,) int64 array
        The labels seen, ascending; [0] if there were none.
    n_samples_ : (C,) int64 array
        Training rows of each class. A class with 0 leaves its boxes as they are.
    coef_ : (C, D, 4) float64 array
        Coefficients of the features as given (before ``feature_norm``), for the centered and whitened targets.
    intercept_ : (C, 4) float64 array
        Coefficient of the constant.
    target_mean_ : (C, 4) float64 array
        Mean target, mu.
    target_map_ : (C, 4, 4) float64 array
        T. A prediction is ``(features @ coef_ + intercept_) @ inv(T) + mu``.
    feature_scale_ : float
        What ``feature_norm`` multiplied the features by; the original's Beta is ``coef_ / feature_scale_``.

    Raises
    ------
    TypeError
        If an option is not of its type.
    ValueError
        If an option is out of its range.

    Notes
    -----
    ``BoxRegressor(feature_norm=20.0, offset=1, clamp=None)`` is the published system, like for like, when the
    ground-truth boxes stand among the proposals (with features of their own) as they do there. It differs in
    double precision, in measuring the mean norm on the rows given instead of a sample of a feature cache, and
    in that a trimmed refit left without rows keeps the first fit instead of becoming zero.

    N rows of D features cost N D^2 multiplications in BLAS and D^3 / 3 for the Cholesky factorisation, a
    class at a time: 8 D^2 bytes for A'A (twice that with ``trim``) and one block of 32 MiB. The features are
    read a block at a time in whatever dtype they have, so that a memory map of any size will do.
    ``partial_fit`` keeps A'A of every class instead.

    References
    ----------
    R. Girshick et al.: Rich feature hierarchies for accurate object detection and semantic segmentation. CVPR
    2014, appendix C, equations 1-10; its code for the centring, the decorrelation and the refit.

    Examples
    --------
    Proposals are too small by a seventh, and their only feature is a constant:

    >>> import numpy as np
    >>> import detutils
    >>> objects = np.array([[0, 0, 70, 70], [100, 50, 240, 120.0]])
    >>> proposals = np.array([[5, 5, 65, 65], [110, 55, 230, 115.0]])
    >>> features = np.ones((2, 1))
    >>> regressor = detutils.BoxRegressor(alpha=1.0).fit(features, proposals, objects)
    >>> regressor.n_samples_
    array([2])
    >>> regressor.predict(features, proposals).round(6)
    array([[  0.,   0.,  70.,  70.],
           [100.,  50., 240., 120.]])
    """

    classes_: I8
    n_samples_: I8
    coef_: F8
    intercept_: F8
    target_mean_: F8
    target_map_: F8
    feature_scale_: float

    def __init__(
        self,
        alpha: float = 1000.0,
        *,
        min_iou: float = 0.6,
        whiten: bool = True,
        trim: float = 0.0,
        feature_norm: float | None = None,
        offset: int = 0,
        clamp: float | None = LARGEST_STEP,
    ) -> None:
        self.alpha = as_number(alpha, "alpha", 0.0)
        self.min_iou = as_threshold(min_iou, "min_iou")
        self.whiten = as_flag(whiten, "whiten")
        self.trim = as_number(trim, "trim", 0.0, below=1.0)
        if feature_norm is not None:
            feature_norm = as_number(feature_norm, "feature_norm", 1e-100, 1e100, above=0.0)
        self.feature_norm = feature_norm
        self.offset = int(as_offset(offset))
        self.clamp = None if clamp is None else as_number(clamp, "clamp", 0.0)
        self._forget()

    def __repr__(self) -> str:
        return f"BoxRegressor({', '.join(f'{name}={getattr(self, name)!r}' for name in OPTIONS)})"

    def __getattr__(self, name: str) -> Any:
        """Called for what is missing only: solve what ``partial_fit`` summed up, or say what to do first."""
        if name not in LEARNED:
            raise AttributeError(f"'BoxRegressor' object has no attribute {name!r}")
        if not any(sums.ridge.n for sums in self._sums.values()):
            why = f": no proposal so far overlaps a box by more than {self.min_iou:g}" if self._sums else ""
            raise NotFittedError(f"this BoxRegressor is not fitted yet{why}; call fit or partial_fit first")
        self._solve()
        return self.__dict__[name]

    # ---- learning ------------------------------------------------------------------------------------------

    def fit(self, features: Any, proposals: Any, boxes: Any, labels: Any = None) -> BoxRegressor:
        """Learn from one image, or from lists with one entry for each image.

        Parameters
        ----------
        features : (N, D) array, or list of them
            A row for each proposal, any real dtype; read a block at a time.
        proposals : (N, 4) array, or list of them
            x1, y1, x2, y2 in pixels. Put the ground-truth boxes among them, with their features, as the paper
            does.
        boxes : (M, 4) array, or list of them
            The ground truth of the image.
        labels : (M,) array of integers, or list of them, optional
            The class of each ground-truth box; a proposal has the class of its best box. One class if not
            given.

        Returns
        -------
        self : BoxRegressor

        Raises
        ------
        TypeError
            If arrays are not real numbers, labels no integers, or some arguments are lists of images and
            others not.
        ValueError
            If shapes do not agree, a number is not finite, no proposal overlaps a box by more than
            ``min_iou``, or ``alpha`` is too small for rank-deficient features. What was learned before is
            forgotten in any case.
        """
        self._forget()
        try:
            images = self._read(features, proposals, boxes, labels)
            if not any(len(image.rows) for image in images):
                lacking = f"no proposal overlaps a box by more than {self.min_iou:g} (min_iou)"
                raise ValueError(f"{lacking}: there is nothing to learn from")
            models = [self._model_of(label, images) for label in self._seen.labels]
        except BaseException:
            self._forget()
            raise
        self._learn(models)
        return self

    def partial_fit(self, features: Any, proposals: Any, boxes: Any, labels: Any = None) -> BoxRegressor:
        """Learn from one more portion: the result is that of ``fit`` on all of them, up to rounding.

        Parameters
        ----------
        features, proposals, boxes, labels : arrays, or lists of them
            As in ``fit``: proposals come with all the boxes of their image, and labels with every portion or
            with none.

        Returns
        -------
        self : BoxRegressor

        Raises
        ------
        TypeError
            As in ``fit``.
        ValueError
            As in ``fit``, except that a portion may well hold no training row; also if ``trim`` is set (it
            needs all rows twice), and after ``fit`` or ``load``, which keep no sums.

        Notes
        -----
        The coefficients are solved for when they are first needed, once for any number of portions. A portion
        that is refused leaves what was learned from the others as it was.
        """
        if self.trim > 0.0:
            raise ValueError("trim needs all rows at once: use fit, or trim=0")
        if "coef_" in self.__dict__ and not self._sums:
            raise ValueError("fit and load keep no sums to go on from: use a new BoxRegressor")
        images = self._read(features, proposals, boxes, labels)
        for name in LEARNED:
            self.__dict__.pop(name, None)
        for label in self._seen.labels:
            sums = self._sums.setdefault(label, ClassSums(label, self._seen.width))
            for image in images:
                sums.add(image)
        return self

    def _forget(self) -> None:
        for name in LEARNED:
            self.__dict__.pop(name, None)
        self._sums: dict[int, ClassSums] = {}
        self._seen = Seen()

    def _read(self, features: Any, proposals: Any, boxes: Any, labels: Any) -> list[TrainingRows]:
        images, self._seen = self._seen.read(
            features, proposals, boxes, labels, self.min_iou, self.offset, norms=self.feature_norm is not None
        )
        return images

    def _model_of(self, label: int, images: list[TrainingRows]) -> ClassModel:
        sums = ClassSums(label, self._seen.width)
        for image in images:
            sums.add(image)
        scale, again = self._seen.scale(self.feature_norm), self.trim > 0.0 and sums.ridge.n > 0
        model = sums.solve(self.alpha, scale, self.whiten, keep=again)
        return sums.refit(model, images, self.alpha, scale, self.trim) if again else model

    def _solve(self) -> None:
        scale = self._seen.scale(self.feature_norm)
        every = [self._sums[label] for label in self._seen.labels]
        self._learn([sums.solve(self.alpha, scale, self.whiten, keep=True) for sums in every])

    def _learn(self, models: list[ClassModel]) -> None:
        self.classes_ = np.array(self._seen.labels, np.int64)
        self.n_samples_ = np.array([model.n for model in models], np.int64)
        self.coef_ = np.stack([model.beta[:-1] for model in models])
        self.intercept_ = np.stack([model.beta[-1] for model in models])
        self.target_mean_ = np.stack([model.mean for model in models])
        self.target_map_ = np.stack([model.whitening for model in models])
        self.feature_scale_ = self._seen.scale(self.feature_norm)

    # ---- using ---------------------------------------------------------------------------------------------

    def predict(self, features: Any, proposals: Any, labels: Any = None) -> F8:
        """Move proposals onto the objects that their features tell of.

        Parameters
        ----------
        features : (N, D) array
            A row for each proposal, read a block at a time.
        proposals : (N, 4) array
            x1, y1, x2, y2 in pixels.
        labels : (N,) array of integers, optional
            The class of each proposal; needed if and only if the regressor was fitted with labels.

        Returns
        -------
        boxes : (N, 4) float64 array
            The moved boxes, not clipped to any image. The boxes of a class without training rows stay as they
            are.

        Raises
        ------
        NotFittedError
            If nothing was learned yet (it is a ValueError and an AttributeError).
        TypeError
            If arrays are not real numbers or labels no integers.
        ValueError
            If shapes do not agree, a number is not finite, a label was not seen in training, or a predicted
            box is not finite (features far beyond those of training, with ``clamp=None``).
        """
        coef = self.coef_
        table = as_table(features, "features", None, coef.shape[1])
        places = as_boxes(proposals, "proposals")
        if len(table) != len(places):
            raise ValueError(f"features has {len(table)} rows for {len(places)} proposals")
        if (labels is not None) != self._seen.labeled:
            raise ValueError(f"labels must {'' if self._seen.labeled else 'not '}be given, as in training")
        wanted = np.zeros(len(table), np.int64) if labels is None else as_labels(labels, "labels", len(table))
        index = np.searchsorted(self.classes_, wanted).clip(max=len(self.classes_) - 1)
        unknown = np.flatnonzero(self.classes_[index] != wanted)
        if len(unknown):
            row = unknown[0]
            raise ValueError(f"labels[{row}] is {wanted[row]}, a class that was not seen in training")
        result = places.copy()
        for part, block in row_blocks(table):
            block = check_table_block(block, "features", part.start)
            for one in np.unique(index[part]):
                here = np.flatnonzero(index[part] == one)
                if self.n_samples_[one]:
                    back, mean = np.linalg.inv(self.target_map_[one]), self.target_mean_[one]
                    with np.errstate(over="ignore", invalid="ignore"):
                        steps = (block[here] @ coef[one] + self.intercept_[one]) @ back + mean
                        result[part.start + here] = moved_boxes(steps, places[part][here], self.clamp)
        bad = np.flatnonzero(~(np.abs(result) <= LIMIT).all(axis=1))
        if len(bad):
            raise ValueError(f"the box predicted from features[{bad[0]}] is not finite or beyond {LIMIT:g}")
        return result

    def save(self, path: str | os.PathLike[str] | IO[bytes]) -> None:
        """Write the options and what was learned to a NumPy archive (no pickle).

        Parameters
        ----------
        path : str, path or open binary file
            A file of this name is replaced as a whole, when everything is written.

        Returns
        -------
        None

        Raises
        ------
        NotFittedError
            If nothing was learned yet.
        OSError
            If the file cannot be written.
        """
        learned = {name: np.asarray(getattr(self, name)) for name in LEARNED}
        given = ((name, getattr(self, name)) for name in OPTIONS)
        options = {name: np.asarray(math.nan if value is None else value) for name, value in given}
        write_arrays(path, KIND, {**learned, **options, "labeled": np.asarray(bool(self._seen.labeled))})

    @classmethod
    def load(cls, path: str | os.PathLike[str] | IO[bytes]) -> BoxRegressor:
        """Read a regressor that ``save`` wrote.

        Parameters
        ----------
        path : str, path or open binary file
            Where it is.

        Returns
        -------
        regressor : BoxRegressor
            It predicts as before; it cannot learn on, for the sums are not kept.

        Raises
        ------
        OSError
            If there is no such file.
        ValueError
            If it is damaged or something else; the text names the path.
        """
        arrays = read_arrays(path, KIND)
        try:
            shapes = [arrays[name].shape for name in (*OPTIONS, "labeled")]
            if any(shapes) or arrays["labeled"].dtype != np.bool_:
                raise ValueError("an option is not a single value")
            options = {name: arrays[name].item() for name in OPTIONS}
            for name in ("feature_norm", "clamp"):
                options[name] = None if math.isnan(options[name]) else options[name]
            regressor = cls(options.pop("alpha"), **options)
            learned = check_learned(arrays)
            labeled = bool(arrays["labeled"])
            if not labeled and learned["classes_"].tolist() != [0]:
                raise ValueError("it has classes, but learned without labels")
        except Exception as error:  # a damaged member raises what it likes
            raise ValueError(f"{path} does not hold a BoxRegressor: {error}") from error
        regressor.__dict__.update(learned)
        regressor._seen = Seen(learned["classes_"].tolist(), learned["coef_"].shape[1], labeled)
        return regressor
