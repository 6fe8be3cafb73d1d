"""Random functions whose equations are read back as text: `python tests/stress/equations.py --functions 3000 --seed 0`.

Each function is made of a few operations with axes, broadcasting, views, indices and ties, on Tensors and constant
arrays of no to three dimensions. Every line of its equations has to be true, and its gradients those of backward().
"""

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from reading_back import check

import autograd
from autograd import Tensor, equations

UNARY = ["np.exp({0} / 4)", "np.sin({0})", "np.cos({0})", "np.tanh({0})", "sigmoid({0})", "relu({0})", "-{0}", "{0}**2",
         "{0}**3", "np.sqrt({0}**2 + 1)", "np.log({0}**2 + 1)", "np.abs({0})", "np.square({0})", "softplus({0})",
         "np.log1p({0}**2)", "1 / ({0}**2 + 2)", "{0} * {0}", "{0} - {0} / 2", "np.where({0} > 0, {0}, 0.5)",
         "np.clip({0}, -0.5, 0.5)", "np.maximum({0}, 0.25)", "np.expm1({0} / 4)", "np.arctan({0})", "{0} / {0} + {0}",
         "({0} > 0) * {0}", "np.float64(2.0) * {0}", "{0} * 0.3 + 1.7", "(2 + {0}**2) ** 0.5", "2.0 ** {0}",
         "np.where(np.isfinite({0}), {0}, 0.0)", "np.sign({0}) * {0}", "np.floor({0}) * {0}"]  # fmt: skip
BINARY = ["{0} + {1}", "{0} - {1}", "{0} * {1}", "{0} / ({1}**2 + 1)", "np.maximum({0}, {1})", "np.minimum({0}, {1})",
          "np.where({0} > {1}, {0}, {1})", "({0}**2 + 1) ** {1}", "{0} * {1} - {1} * {0} + {1}",
          "{0} * np.sum({1})", "{0} + np.mean({1})", "({0} - {1}) * ({0} + {1})", "{0} * ({1} >= {0})"]  # fmt: skip
REDUCE = ["np.sum({0}, axis={axis}, keepdims={keep})", "np.mean({0}, axis={axis}, keepdims={keep})",
          "np.max({0}, axis={axis}, keepdims={keep})", "np.min({0}, axis={axis}, keepdims={keep})",
          "np.var({0}, axis={axis}, keepdims={keep})",
          "np.std({0} + 3 * np.arange({n}.0).reshape({shape}), axis={axis},"
          " keepdims={keep})", "logsumexp({0}, axis={axis}, keepdims={keep})",
          "np.var({0}, axis={axis}, ddof=0.5, keepdims={keep})",
          "np.sum({0}, keepdims={keep})", "np.mean({0})"]  # fmt: skip
ALONG = ["softmax({0}, axis={axis})", "log_softmax({0}, axis={axis})", "np.cumsum({0}, axis={axis})",
         "np.flip({0}, axis={axis})", "np.roll({0}, 1, axis={axis})", "np.roll({0}, -1, axis={axis})",
         "np.expand_dims({0}, {axis})", "np.concatenate([{0}, {0} * 2], axis={axis})",
         "np.concatenate([{0}, np.ones({shape})], axis={axis})", "np.stack([{0}, {0}**2], axis={axis})",
         "np.roll({0}, 1)", "np.flip({0})", "np.ravel({0})", "np.cumsum({0})", "np.repeat({0}, 2, axis={axis})",
         "np.pad({0}, 1)", "np.moveaxis({0}, {axis}, 0)", "np.prod({0}, axis={axis})",
         "{0} - np.max({0}, axis={axis}, keepdims=True)"]  # fmt: skip
INDEX = ["{0}[0]", "{0}[-1]", "{0}[::-1]", "{0}[1:]", "{0}[..., 0]", "{0}[[0, -1]]", "{0}[[0, 0, -1]]", "{0}[None]",
         "{0}[..., None]", "{0}[:1]", "{0}[..., ::-1]", "{0}[np.argsort({0})]",
         "{0}[np.array([0, -1, 0, 0, -1, 0])]", "{0}[np.argmax({0})]"]  # fmt: skip
SHAPES = [(), (), (1,), (2,), (3,), (3,), (2, 3), (3, 2), (3, 3), (3, 3), (1, 3), (3, 1), (1, 1), (2, 3, 2), (3, 1, 2)]


class Maker:
    """Makes one function from a seed: its text, and arguments for it."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.lines, self.shapes = [], {}
        self.scope = {"np": np} | {name: getattr(autograd, name) for name in
                      ("sigmoid", "relu", "softplus", "softmax", "log_softmax", "logsumexp")}  # fmt: skip
        self.args = {}
        for name in self.rng.permutation(["w", "x", "s", "v"])[: self.rng.integers(1, 4)]:
            self.args[str(name)] = Tensor(self.data(self.pick(SHAPES)))
        if self.rng.random() < 0.6:
            self.args["y"] = self.data(self.pick(SHAPES[2:]))
        self.values = dict(self.args)

    def pick(self, options):
        return options[self.rng.integers(len(options))]

    def data(self, shape):
        """Numbers of few digits; sometimes with ties, all alike, or of a special kind."""
        kind = self.rng.random()
        if kind < 0.15:
            return np.asarray(self.rng.integers(-1, 2, shape), float)
        if kind < 0.2:
            return np.full(shape, self.pick([0.5, -1.5, 2.0]))
        return np.asarray(np.round(self.rng.uniform(-2, 2, shape), 2))

    def template(self, shape):
        """A random operation on a value of this shape."""
        axis = int(self.rng.integers(-len(shape), len(shape))) if shape else 0
        n = int(np.prod(shape))
        settings = {"axis": axis, "keep": bool(self.rng.integers(2)), "shape": shape, "n": n}
        kind = self.rng.random()
        if len(shape) >= 2 and self.rng.random() < 0.2 and kind < 0.55:
            settings["axis"] = self.pick([(0, 1), (0, -1), (-2, -1)])
            return self.pick(REDUCE[:4]), settings
        if kind < 0.2 or not shape:
            return self.pick(UNARY), settings
        if kind < 0.4:
            return self.pick(REDUCE), settings
        if kind < 0.6:
            return self.pick(ALONG), settings
        if kind < 0.72:
            return self.pick(INDEX), settings
        if kind < 0.8 and len(shape) >= 2:
            order = tuple(map(int, self.rng.permutation(len(shape))))
            return self.pick(["{0}.T", f"np.transpose({{0}}, {order})", "np.swapaxes({0}, 0, -1)", "{0}.mT"]), settings
        if kind < 0.9:
            options = [(n,), (n, 1), (1, n), shape[::-1], (1, *shape), (*shape, 1)]
            return f"np.reshape({{0}}, {self.pick(options)})", settings
        grown = self.pick([(2, *shape), tuple(3 if m == 1 else m for m in shape), (1, *shape)])
        return f"np.broadcast_to({{0}}, {grown})", settings

    def step(self):
        names = list(self.values)
        a, b = str(self.pick(names)), str(self.pick(names))
        x, z = self.values[a], self.values[b]
        if self.rng.random() < 0.45:
            options = list(BINARY)
            if np.ndim(x) and np.ndim(z):
                options += ["{0} @ {1}"] * 8 + ["np.outer({0}, {1})", "{0} @ {1}.T", "np.tensordot({0}, {1}, 1)"]
                if np.ndim(x) == np.ndim(z) == 2:
                    options += [
                        'np.einsum("ij,jk->ik", {0}, {1})',
                        'np.einsum("ij,ij->i", {0}, {1})',
                        "{0}.T @ {1}",
                    ] * 2
                options += ["np.concatenate([{0}, {1}])", "np.stack([{0}, {1}])"]
            template, settings = self.pick(options), {}
        else:
            template, settings = self.template(np.shape(x))
        text = template.format(a, b, **settings)
        try:
            with np.errstate(all="ignore"):
                value = eval(text, self.scope, self.values)
        except (ValueError, TypeError, IndexError, ZeroDivisionError):
            return
        data = getattr(value, "data", value)
        if not isinstance(value, Tensor) or value.ndim > 3 or not value.size or value.size > 60:
            return
        if not np.all(np.isfinite(data)) or np.max(np.abs(data)) > 100:
            return
        name = f"t{len(self.lines) + 1}"
        self.lines.append(f"    {name} = {text}")
        self.values[name] = value

    def function(self):
        for _ in range(self.rng.integers(2, 9)):
            self.step()
        made = [name for name in self.values if name.startswith("t")]
        last = made[-1] if made else next(iter(self.args))
        ends = ["np.sum({0}**2) / 2", "np.sum({0})", "np.mean({0})", "np.sum({0} * {0})", "np.sum({0})**2 / 2",
                "np.log(np.sum({0}**2) + 1)", "np.max({0})", "np.sum(np.sin({0}))"]  # fmt: skip
        other = str(self.pick(list(self.values)))
        end = self.pick(ends).format(last) + (f" + np.sum({other}) * 0.5" if self.rng.random() < 0.3 else "")
        text = "\n".join([f"def f({', '.join(self.args)}):", *self.lines, f"    return {end}"])
        exec(text, self.scope)
        return self.scope["f"], text


def run(seed, first, last):
    """Checks the functions numbered first to last; returns how many were checked, and the texts of what was wrong."""
    checked, wrong = 0, []
    for number in range(first, last):
        maker = Maker((seed, number))
        f, text = maker.function()
        args = list(maker.args.values())
        with np.errstate(all="ignore"):
            output = f(*args)
            if not isinstance(output, Tensor) or not output.inputs:
                continue
            grads = autograd.backprop(output)
        if not all(np.all(np.isfinite(g)) and np.max(np.abs(g), initial=0) < 1e6 for g in grads.values()):
            continue
        checked += 1
        try:
            with np.errstate(all="ignore"):
                check(f, args)
        except Exception as error:
            shapes = {name: np.shape(x) for name, x in maker.args.items()}
            try:
                lines = str(equations(f, *args))
            except Exception as other:
                lines = repr(other)
            wrong.append(f"number {number}: {shapes}\n{text}\n{type(error).__name__}: {error!s:.500}\n{lines}\n")
    return checked, wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--functions", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    options = parser.parse_args()
    checked, wrong = run(options.seed, options.first, options.first + options.functions)
    print("\n".join(wrong))
    print(f"{checked} functions, {len(wrong)} with a line that is not true")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
