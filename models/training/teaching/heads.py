"""Heads of the teacher on YAMNet embeddings: small nets for the tags, ridge for valence and arousal.

Fitted once, used as plain arrays: a head is a few matrix products, so no model is built to ask it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.metrics import macro
from models.training.teaching.jamendo import Tagged


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """How a tag head is fitted: one hidden layer, early stopping on validation."""

    hidden: int = 384
    dropout: float = 0.5
    rate: float = 5e-4
    weight_decay: float = 1e-4
    batch: int = 128
    epochs: int = 60
    patience: int = 8


@dataclass(frozen=True, slots=True)
class TagHeads:
    """Nets of one shape, stacked: `arrays` hold mean and deviation [values], w0 [nets, values, hidden],
    b0 [nets, 1, hidden], w1 [nets, hidden, tags], b1 [nets, 1, tags]."""

    arrays: Mapping[str, NDArray[np.float32]]

    def each(self, embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """Embeddings [items, values] -> probabilities of every net [nets, items, tags]."""
        a = self.arrays
        inputs = (embeddings.astype(np.float32) - a["mean"]) / a["deviation"]
        logits = np.maximum(inputs @ a["w0"] + a["b0"], 0.0) @ a["w1"] + a["b1"]
        scores: NDArray[np.float32] = 1.0 / (1.0 + np.exp(-logits))
        return scores

    def scores(self, embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
        """Embeddings [items, values] -> mean of the nets' probabilities [items, tags]."""
        return np.asarray(self.each(embeddings).mean(axis=0), np.float32)

    def nets(self) -> list[dict[str, NDArray[np.float32]]]:
        """Weights of a `tag-head` for every net, the standardisation folded in."""
        a, found = self.arrays, []
        for w0, b0, w1, b1 in zip(a["w0"], a["b0"], a["w1"], a["b1"], strict=True):
            kernel = w0 / a["deviation"][:, None]
            hidden = {"hidden/kernel": kernel, "hidden/bias": b0[0] - a["mean"] @ kernel}
            found.append({**hidden, "scores/kernel": w1, "scores/bias": b1[0]})
        return found


def fit_tag_heads(
    train: Tagged, validation: Tagged, recipe: HeadRecipe, *, seeds: Sequence[int]
) -> tuple[TagHeads, list[dict[str, float]]]:
    """One net for each seed, and what each reached on validation."""
    mean, deviation = train.inputs.mean(axis=0), train.inputs.std(axis=0) + np.float32(1e-3)
    standard = {
        "train": ((train.inputs - mean) / deviation, train.labels),
        "validation": ((validation.inputs - mean) / deviation, validation.labels),
    }
    fitted = [_fit_net(standard, recipe, seed) for seed in seeds]
    arrays = {"mean": mean, "deviation": deviation}
    for place, name in enumerate(("w0", "b0", "w1", "b1")):
        stacked = np.stack([weights[place] for weights, _ in fitted])
        arrays[name] = stacked[:, None] if name[0] == "b" else stacked
    return TagHeads(arrays), [reached for _, reached in fitted]


def _fit_net(
    data: Mapping[str, tuple[NDArray[np.float32], NDArray[np.float32]]], recipe: HeadRecipe, seed: int
) -> tuple[list[NDArray[np.float32]], dict[str, float]]:
    import keras

    keras.utils.set_random_seed(seed)
    (inputs, labels), (held, truth) = data["train"], data["validation"]
    net = _build(inputs.shape[1], labels, recipe)
    best: dict[str, float] = {"pr_auc": -1.0}
    weights: list[NDArray[np.float32]] = []
    for epoch in range(recipe.epochs):
        net.fit(inputs, labels, batch_size=recipe.batch, epochs=1, verbose=0)
        reached = macro(truth > 0, np.asarray(net(held)))
        if reached["pr_auc"] > best["pr_auc"]:
            best, weights = {**reached, "epoch": float(epoch)}, net.get_weights()
        if epoch - best["epoch"] >= recipe.patience:
            break
    return weights, best


def _build(values: int, labels: NDArray[np.float32], recipe: HeadRecipe) -> Any:
    import keras

    share = np.clip(labels.mean(axis=0), 1e-4, 0.5)
    prior = keras.initializers.Constant(np.log(share / (1.0 - share)))
    net = keras.Sequential(
        [
            keras.Input((values,)),
            keras.layers.Dropout(recipe.dropout / 2),
            keras.layers.Dense(recipe.hidden, activation="relu"),
            keras.layers.Dropout(recipe.dropout),
            keras.layers.Dense(labels.shape[1], activation="sigmoid", bias_initializer=prior),
        ]
    )
    optimizer = keras.optimizers.AdamW(recipe.rate, weight_decay=recipe.weight_decay)
    net.compile(optimizer=optimizer, loss="binary_crossentropy")
    return net


@dataclass(frozen=True, slots=True)
class Ridge:
    """Linear head: mean and deviation [values], weights [values, targets], offset [targets]; all float64."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    weights: NDArray[np.float64]
    offset: NDArray[np.float64]

    def __call__(self, inputs: NDArray[np.floating]) -> NDArray[np.float64]:
        """Inputs [items, values] -> predictions [items, targets]."""
        predicted: NDArray[np.float64] = (inputs - self.mean) / self.deviation @ self.weights + self.offset
        return predicted


def fit_ridge(inputs: NDArray[np.floating], targets: NDArray[np.floating], *, strength: float) -> Ridge:
    """Least squares with a penalty on the weights: inputs [items, values], targets [items, targets].

    Solved in the space of the items, of which there are fewer than values.
    """
    mean, deviation = inputs.mean(axis=0, dtype=np.float64), inputs.std(axis=0, dtype=np.float64) + 1e-3
    x = (inputs - mean) / deviation
    offset = targets.mean(axis=0, dtype=np.float64)
    dual = np.linalg.solve(x @ x.T + strength * np.eye(len(x)), targets - offset)
    return Ridge(mean, deviation, x.T @ dual, offset)


def choose_strength(
    train: tuple[NDArray[np.floating], NDArray[np.floating]],
    validation: tuple[NDArray[np.floating], NDArray[np.floating]],
    *,
    strengths: Sequence[float] = (300.0, 1000.0, 3000.0, 10000.0, 30000.0),
) -> float:
    """The ridge penalty with the least squared error on validation; both pairs are (inputs, targets)."""
    errors = [
        float(np.mean((fit_ridge(*train, strength=strength)(validation[0]) - validation[1]) ** 2))
        for strength in strengths
    ]
    return strengths[int(np.argmin(errors))]
