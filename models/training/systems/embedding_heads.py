"""Tag heads on ready-made embeddings: small nets, chosen by PR-AUC on validation, and the mean of several.

Transfer of an audio net's embeddings to tags, as Alonso-Jiménez et al. (2020), Tensorflow Audio Models in
Essentia, section 3, do it; mixup is that of Zhang et al. (2018), section 2. A fitted head is a few matrix
products, so no model is built to ask it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from models.evaluation.measures.ranking import areas, rank
from schemas.errors import DataError, FailureKind, Stage

Floats = NDArray[np.floating]
Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """How one head is fitted.

    `hidden` is the width of each hidden layer; `dropout` the share dropped of the inputs and of each hidden
    layer; `mixup` the parameter of the Beta distribution that pairs of items are mixed by, 0 for none; `root`
    takes the square root of the embeddings, which are not below 0, before they are standardised.
    """

    hidden: tuple[int, ...] = (512,)
    dropout: tuple[float, float] = (0.25, 0.5)
    mixup: float = 0.0
    root: bool = False
    rate: float = 5e-4
    weight_decay: float = 1e-4
    batch: int = 128
    epochs: int = 60
    patience: int = 8


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Embeddings [items, values] and labels [items, tags] of 0 and 1, both float32."""

    inputs: Array
    labels: Array


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A fitted head: mean and deviation [values], and (weights [in, out], bias [out]) of each layer.

    `epoch` counts the epochs it was trained for.
    """

    mean: Array
    deviation: Array
    layers: tuple[tuple[Array, Array], ...]
    root: bool
    epoch: int

    def scores(self, embeddings: Floats) -> Array:
        """Embeddings [items, values] -> probabilities [items, tags] float32."""
        x = _scaled(embeddings, self.root, self.mean, self.deviation)
        for weights, bias in self.layers[:-1]:
            x = np.maximum(x @ weights + bias, 0.0)
        weights, bias = self.layers[-1]
        return np.asarray(expit(x @ weights + bias), np.float32)


def fit_head(train: Labelled, validation: Labelled | None, recipe: HeadRecipe, *, seed: int) -> Head:
    """Train one head: with validation the epoch of its best macro PR-AUC there, else all `recipe.epochs`.

    Raises DataError(bad_input) for arrays that do not fit or a value that is not finite.
    """
    import keras

    _check(train, recipe)
    if validation is not None:
        _check(validation, recipe)
    mean, deviation = _moments(train.inputs, recipe.root)
    inputs = _scaled(train.inputs, recipe.root, mean, deviation)
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    net = _build(inputs.shape[1], train.labels, recipe)

    def head(epoch: int) -> Head:
        weights = net.get_weights()
        return Head(mean, deviation, tuple(zip(weights[::2], weights[1::2], strict=True)), recipe.root, epoch)

    best, reached = head(0), -1.0
    for epoch in range(1, recipe.epochs + 1):
        net.fit(*_mixed(inputs, train.labels, recipe.mixup, rng), batch_size=recipe.batch, verbose=0)
        found = head(epoch)
        value = pr_auc(validation.labels, found.scores(validation.inputs)) if validation else float(epoch)
        if value > reached:
            best, reached = found, value
        if epoch - best.epoch >= recipe.patience:
            break
    return best


def mean_scores(heads: Sequence[Head], embeddings: Floats) -> Array:
    """The plain mean of the heads' probabilities: [items, values] -> [items, tags] float32."""
    each = [head.scores(embeddings) for head in heads]
    return np.asarray(np.mean(each, axis=0), np.float32)


def pr_auc(labels: Floats, scores: Floats) -> float:
    """Macro PR-AUC of labels and scores [items, tags]; tags without a positive item are left out."""
    return float(np.nanmean(areas(rank(labels > 0, scores))[1]))


def arrays_of_heads(heads: Sequence[Head]) -> dict[str, NDArray[Any]]:
    """Heads as arrays by name, for safetensors."""
    arrays: dict[str, NDArray[Any]] = {}
    for place, head in enumerate(heads):
        arrays[f"{place}.mean"], arrays[f"{place}.deviation"] = head.mean, head.deviation
        arrays[f"{place}.facts"] = np.array([head.root, head.epoch, len(head.layers)], np.int64)
        for layer, (weights, bias) in enumerate(head.layers):
            arrays[f"{place}.weights{layer}"], arrays[f"{place}.bias{layer}"] = weights, bias
    return arrays


def heads_of_arrays(arrays: Mapping[str, NDArray[Any]]) -> tuple[Head, ...]:
    """The heads that `arrays_of_heads` gave; DataError(bad_input) where an array is missing."""
    try:
        return tuple(_head(arrays, place) for place in range(sum(name.endswith(".mean") for name in arrays)))
    except KeyError as error:
        raise _refusal(f"not the arrays of tag heads: {error} is missing") from error


def _head(arrays: Mapping[str, NDArray[Any]], place: int) -> Head:
    root, epoch, layers = (int(value) for value in arrays[f"{place}.facts"])
    return Head(
        arrays[f"{place}.mean"],
        arrays[f"{place}.deviation"],
        tuple((arrays[f"{place}.weights{k}"], arrays[f"{place}.bias{k}"]) for k in range(layers)),
        bool(root),
        epoch,
    )


def _build(values: int, labels: Array, recipe: HeadRecipe) -> Any:
    import keras

    # From the tags' own frequencies, so that the first epochs need not find them.
    share = np.clip(labels.mean(axis=0), 1e-4, 0.5)
    prior = keras.initializers.Constant(np.log(share / (1.0 - share)))
    net = keras.Sequential([keras.Input((values,)), keras.layers.Dropout(recipe.dropout[0])])
    for width in recipe.hidden:
        net.add(keras.layers.Dense(width, activation="relu"))
        net.add(keras.layers.Dropout(recipe.dropout[1]))
    net.add(keras.layers.Dense(labels.shape[1], activation="sigmoid", bias_initializer=prior))
    optimizer = keras.optimizers.AdamW(recipe.rate, weight_decay=recipe.weight_decay)
    net.compile(optimizer=optimizer, loss="binary_crossentropy")
    return net


def _mixed(inputs: Array, labels: Array, alpha: float, rng: np.random.Generator) -> tuple[Array, Array]:
    """Each item mixed with another by a share from Beta(alpha, alpha); as they are where alpha is 0."""
    if not alpha:
        return inputs, labels
    share = rng.beta(alpha, alpha, (len(inputs), 1)).astype(np.float32)
    other = rng.permutation(len(inputs))
    return share * inputs + (1 - share) * inputs[other], share * labels + (1 - share) * labels[other]


def _moments(embeddings: Array, root: bool) -> tuple[Array, Array]:
    values = np.sqrt(embeddings) if root else embeddings
    return values.mean(axis=0), values.std(axis=0) + np.float32(1e-3)


def _scaled(embeddings: Floats, root: bool, mean: Array, deviation: Array) -> Array:
    values = embeddings.astype(np.float32)
    return np.asarray(((np.sqrt(values) if root else values) - mean) / deviation, np.float32)


def _check(data: Labelled, recipe: HeadRecipe) -> None:
    if data.inputs.ndim != 2 or data.labels.ndim != 2 or len(data.inputs) != len(data.labels):
        raise _refusal(
            f"embeddings {list(data.inputs.shape)} and labels {list(data.labels.shape)} do not fit"
        )
    if not len(data.inputs) or not np.isfinite(data.inputs).all():
        raise _refusal(f"embeddings {list(data.inputs.shape)} are none or have a value that is not finite")
    if recipe.root and data.inputs.min() < 0.0:
        raise _refusal(f"embeddings have a value of {data.inputs.min():g}: there is no square root of it")


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
