"""JAX with optax: an epoch is one compiled scan, vmapped over the replicates, or replicate by replicate."""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax, random

Params = list[dict[str, jax.Array]]


def uniform(key: jax.Array, shape: tuple[int, ...], fan_in: int) -> jax.Array:
    """PyTorch's default for weights and biases."""
    bound = fan_in**-0.5
    return random.uniform(key, shape, minval=-bound, maxval=bound)


def layer(key: jax.Array, shape: tuple[int, ...], fan_in: int) -> dict[str, jax.Array]:
    """Weights and biases."""
    w, b = random.split(key)
    return {"w": uniform(w, shape, fan_in), "b": uniform(b, shape[-1:], fan_in)}


def initial(key: jax.Array, model: str, kernel: int, depth: int) -> Params:
    """Initial parameters."""
    if model == "fnn":
        widths = [13, *[64] * depth, 1]
        keys = random.split(key, depth + 1)
        return [layer(k, (a, b), a) for k, a, b in zip(keys, widths[:-1], widths[1:], strict=True)]
    area, keys = kernel * kernel, random.split(key, 4)
    return [
        layer(keys[0], (kernel, kernel, 1, 16), area),
        layer(keys[1], (kernel, kernel, 16, 32), 16 * area),
        layer(keys[2], (32 * 49, 128), 32 * 49),
        layer(keys[3], (128, 10), 128),
    ]


def forward(params: Params, x: jax.Array) -> jax.Array:
    """The network: convolutions where a weight has four axes."""
    for i, p in enumerate(params):
        if p["w"].ndim == 4:
            x = lax.conv_general_dilated(
                x, p["w"], (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            )
            x = jax.nn.relu(x + p["b"])
            x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        else:
            x = x.reshape(len(x), -1) @ p["w"] + p["b"]
            x = jax.nn.relu(x) if i < len(params) - 1 else x
    return x


def loss_of(params: Params, x: jax.Array, y: jax.Array, weight: jax.Array) -> jax.Array:
    """Mean loss over the rows that count."""
    output = forward(params, x)
    classify = optax.softmax_cross_entropy_with_integer_labels
    each = (output[:, 0] - y) ** 2 if output.shape[1] == 1 else classify(output, y)
    return (each * weight).sum() / weight.sum()


def epoch(
    optimizer: Any, data: dict[str, jax.Array], batch: int, state: Any, key: jax.Array
) -> Any:
    """Train for an epoch and keep the parameters with the smallest validation loss."""
    params, opt, best, best_loss, stalled, rate = state
    rows, weight = data["rows"], data["weight"]
    order = random.permutation(key, len(rows))
    order = order[
        jnp.argsort(-weight[order], stable=True)
    ]  # what fills up the last batch comes last
    fill = -len(rows) % batch
    index = jnp.pad(rows[order], (0, fill)).reshape(-1, batch)
    counts = jnp.pad(weight[order], (0, fill)).reshape(-1, batch)

    def step(carry: Any, chosen: Any) -> Any:
        params, opt = carry
        rows, counts = chosen
        grads = jax.grad(loss_of)(params, data["x"][rows], data["y"][rows], counts)
        updates, opt = optimizer.update(grads, opt, params)
        updates = jax.tree.map(lambda u: u * rate, updates)
        return (optax.apply_updates(params, updates), opt), None

    (params, opt), _ = lax.scan(step, (params, opt), (index, counts))
    chosen = data["validation"]
    loss = loss_of(params, data["x"][chosen], data["y"][chosen], data["validation_weight"])
    better = loss < best_loss
    best = jax.tree.map(lambda new, old: jnp.where(better, new, old), params, best)
    stalled = jnp.where(better, 0, stalled + 1)
    if data["y"].dtype == jnp.float32:  # the plateau schedule of the FNN
        rate, stalled = (
            jnp.where(stalled > 10, rate * 0.1, rate),
            jnp.where(stalled > 10, 0, stalled),
        )
    return params, opt, best, jnp.minimum(loss, best_loss), stalled, rate


def padded(index: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Rows of all replicates as ``[R, longest]`` and which of them count."""
    longest = max(map(len, index))
    rows = np.stack([np.pad(one, (0, longest - len(one))) for one in index])
    return rows, np.stack([np.arange(longest) < len(one) for one in index]).astype(np.float32)


def load(
    path: Path, replicates: int, images: bool
) -> tuple[list[dict[str, np.ndarray]], list[Any]]:
    """What each replicate trains and is tested on, standardised by its train part."""
    file = np.load(path, allow_pickle=False)
    split = {
        n: padded([file[f"{n}_{r}"] for r in range(replicates)]) for n in ("train", "validation")
    }
    data, tests = [], []
    for r in range(replicates):
        x, test = file["x"] / (255 if images else 1), file["test_x"] / (255 if images else 1)
        own = x[file[f"train_{r}"]]
        mean, scale = (own.mean(), own.std()) if images else (own.mean(0), own.std(0))
        x, test = ((part - mean) / scale for part in (x, test))
        x, test = (part[..., None] if images else part for part in (x, test))
        kind = np.int32 if images else np.float32
        data.append(
            {
                "x": x.astype(np.float32),
                "y": file["y"].astype(kind),
                "rows": split["train"][0][r],
                "weight": split["train"][1][r],
                "validation": split["validation"][0][r],
                "validation_weight": split["validation"][1][r],
            }
        )
        rows = file[f"test_{r}"]
        tests.append((test[rows].astype(np.float32), file["test_y"][rows].astype(kind)))
    return data, tests


def main() -> None:
    """Train the replicates of a cell and write their test metrics."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", choices=["fnn", "cnn"], required=True)
    parser.add_argument("--replicates", type=int, required=True)
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--kernel", type=int, default=5)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--one-by-one", action="store_true")
    options = parser.parse_args()
    images = options.model == "cnn"
    optimizer = optax.adam(1.0) if images else optax.sgd(1.0)
    parts, tests = load(options.data, options.replicates, images)

    def begin(key: jax.Array) -> Any:
        params = initial(key, options.model, options.kernel, options.depth)
        zero = jnp.zeros((), jnp.int32)
        return params, optimizer.init(params), params, jnp.inf, zero, jnp.float32(options.rate)

    run = partial(epoch, optimizer)
    keys = [random.key(replicate) for replicate in range(options.replicates)]
    best = []
    if options.one_by_one:
        step = jax.jit(run, static_argnums=1, donate_argnums=2)
        for key, part in zip(keys, parts, strict=True):
            state, on_device = jax.jit(begin)(key), jax.tree.map(jnp.asarray, part)
            for number in range(options.epochs):
                state = step(on_device, options.batch, state, random.fold_in(key, number))
            best.append(state[2])
    else:
        stacked = {name: jnp.stack([part[name] for part in parts]) for name in parts[0]}
        step = jax.jit(jax.vmap(run, in_axes=(0, None, 0, 0)), static_argnums=1, donate_argnums=2)
        state = jax.jit(jax.vmap(begin))(jnp.stack(keys))
        for number in range(options.epochs):
            folded = jax.vmap(random.fold_in, (0, None))(jnp.stack(keys), number)
            state = step(stacked, options.batch, state, folded)
        best = [
            jax.tree.map(lambda leaf, r=r: leaf[r], state[2]) for r in range(options.replicates)
        ]
    metric = []
    for params, (x, y) in zip(best, tests, strict=True):
        output = forward(params, x)
        right = (output.argmax(1) == y).mean() if images else ((output[:, 0] - y) ** 2).mean()
        metric.append(float(right))
    chosen = list(range(options.replicates))
    options.out.write_text(json.dumps({"replicates": chosen, "metric": metric}))


if __name__ == "__main__":
    main()
