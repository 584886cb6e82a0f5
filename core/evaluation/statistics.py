# SPDX-License-Identifier: GPL-3.0-or-later
"""Statistics of sets of embeddings: pure functions of arrays, one row per sample.

The names are those of the text-to-motion literature (Guo et al. 2022). Values depend on the evaluator: compare only
rows of the same table.
"""

# pyright: reportUnknownMemberType=false

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..motion.rotation import Array


def frechet_distance(a: Array, b: Array, biased: bool = True) -> float:
    """Compute the Frechet distance of normal distributions fitted to two sets.

    |mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)); 0 for equal sets. Small sets are far apart by chance:
    compare sets of the same size.

    Args:
        a: (N, D).
        b: (M, D).
        biased: Whether covariances are divided by N, as for a whole population, rather than by N - 1.
    """
    mean = a.mean(0) - b.mean(0)
    cov_a, cov_b = (np.atleast_2d(np.cov(x, rowvar=False, bias=biased)) for x in (a, b))
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    shared = np.sqrt(np.linalg.eigvalsh(root @ cov_b @ root).clip(0)).sum()  # tr of the root of C_a C_b
    return max(float(mean @ mean + np.trace(cov_a) + np.trace(cov_b) - 2 * shared), 0.0)


def joint_frechet_distance(conditions_a: Array, a: Array, conditions_b: Array, b: Array) -> float:
    """Compute the Frechet distance of samples together with their conditions (DeVries et al. 2019).

    Unlike that of the samples alone, it grows if conditions and samples are mismatched.

    Args:
        conditions_a: (N, C).
        a: (N, D).
        conditions_b: (M, C).
        b: (M, D).
    """
    return frechet_distance(np.concatenate([conditions_a, a], 1), np.concatenate([conditions_b, b], 1))


def distances(a: Array, b: Array) -> Array:
    """Return the Euclidean distances (N, M) of every row of a (N, D) from every row of b (M, D)."""
    squared = (a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T
    return np.sqrt(np.maximum(squared, 0.0))


def r_precision(
    texts: Array, motions: Array, labels: Sequence[str], seed: int, candidates: int = 32, top: int = 3
) -> list[float]:
    """Compute how often a motion's own text is among its nearest 1, 2 ... `top` texts.

    The other candidates have labels different from the motion's and from one another; with fewer labels there are fewer
    candidates. Chance is k / candidates.

    Args:
        texts: (N, D).
        motions: (N, D), each of the text in the same row.
        labels: (N,).
        seed: Seed of the candidates.
        candidates: Number of candidates, the own text included.
        top: The largest k.

    Returns:
        `top` shares.
    """
    rng = np.random.default_rng(seed)
    rows: dict[str, list[int]] = {}
    for i, label in enumerate(labels):
        rows.setdefault(label, []).append(i)
    far = distances(motions, texts)
    hits = np.zeros(top)
    for i, label in enumerate(labels):
        others = [other for other in rows if other != label]
        drawn = rng.permutation(len(others))[: candidates - 1]
        rivals = [rows[others[k]][int(rng.integers(len(rows[others[k]])))] for k in drawn]
        rank = int((far[i, rivals] <= far[i, i]).sum())  # a tie counts against
        hits[rank:] += 1
    return [float(hit) for hit in hits / max(len(labels), 1)]


def precision_in_batches(texts: Array, motions: Array, seed: int, size: int = 32, top: int = 3) -> list[float]:
    """Compute how often a text's own motion is among the nearest 1, 2 ... `top` of its batch (Guo et al. 2022).

    Args:
        texts: (N, D).
        motions: (N, D), each of the text in the same row.
        seed: Seed of the batches.
        size: Samples per batch; those left over are not used.
        top: The largest k.

    Returns:
        `top` shares.
    """
    order = np.random.default_rng(seed).permutation(len(texts))
    batches = [order[at : at + size] for at in range(0, len(order) - size + 1, size)]
    hits = np.zeros(top)
    for batch in batches:
        far = distances(texts[batch], motions[batch])
        ranks = (far < np.diagonal(far)[:, None]).sum(1)  # (size,) how many are nearer
        hits += [(ranks <= k).sum() for k in range(top)]
    return [float(hit) for hit in hits / max(len(batches) * size, 1)]


def matching_score(texts: Array, motions: Array) -> float:
    """Return the mean distance of motions (N, D) from their own texts (N, D), "MM-Dist"; lower is better."""
    return float(np.linalg.norm(texts - motions, axis=1).mean())


def diversity(samples: Array, seed: int, pairs: int | None = None) -> float:
    """Return the mean distance of at most `pairs` random pairs of samples (N, D), each sample used once."""
    order = np.random.default_rng(seed).permutation(len(samples))
    half = len(order) // 2 if pairs is None else min(pairs, len(order) // 2)
    if not half:
        return 0.0
    return float(np.linalg.norm(samples[order[:half]] - samples[order[half : 2 * half]], axis=1).mean())


def multimodality(samples: Array, groups: Sequence[str]) -> float:
    """Return the mean distance of all pairs of samples (N, D) of the same group (prompt); 0 without any pair."""
    apart = [
        float(np.linalg.norm(samples[i] - samples[j]))
        for i, group in enumerate(groups)
        for j in range(i)
        if groups[j] == group
    ]
    return float(np.mean(apart)) if apart else 0.0


def mismatched(labels: Sequence[str]) -> npt.NDArray[np.int_]:
    """Return an order (N,), a rotation of the sorted rows, in which as few as possible meet their own label."""
    n = len(labels)
    order = sorted(range(n), key=lambda i: labels[i])
    values = np.array([labels[i] for i in order])
    shift = min(range(1, max(n, 2)), key=lambda k: int((np.roll(values, -k) == values).sum()))
    result = np.empty(n, np.int_)
    result[order] = np.roll(order, -shift)
    return result


def preference(matched: Array, mismatched_scores: Array) -> float:
    """Return the share of comparisons (N,) that the matched condition wins, ties counting half; 0.5 for none."""
    wins = (matched > mismatched_scores) + 0.5 * (matched == mismatched_scores)
    return float(wins.mean()) if wins.size else 0.5


def mean_and_interval(values: Sequence[float]) -> tuple[float, float | None]:
    """Return the mean over N rounds and the half-width of its 95 % confidence interval, 1.96 std / sqrt(N).

    The standard deviation is divided by N, as in the literature. The interval is None for a single round.
    """
    interval = float(1.96 * np.std(values) / np.sqrt(len(values))) if len(values) > 1 else None
    return float(np.mean(values)), interval
