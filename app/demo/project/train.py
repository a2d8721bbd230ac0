"""Train one classifier on a data set that comes with scikit-learn, and log what happens.

Nothing here knows modeldeck: the script writes files into the folder that MODELDECK_RUN_DIR names.
"""

import argparse
import hashlib
import json
import os
import shutil
from pathlib import Path
from zipfile import ZIP_DEFLATED

import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from skops import io

OUT = Path(os.environ.get("MODELDECK_RUN_DIR", "out"))
LOADERS = {"cancer": load_breast_cancer, "digits": load_digits}


def main():
    args = arguments()
    data = LOADERS[args.data]()
    rows = np.arange(len(data.target))
    split = train_test_split(
        data.data, data.target, rows, test_size=0.3, stratify=data.target, random_state=args.seed
    )
    train_x, test_x, train_y, test_y, _, test_rows = split
    scaler = StandardScaler().fit(train_x)
    train_x, test_x = scaler.transform(train_x), scaler.transform(test_x)

    (OUT / "artifacts").mkdir(parents=True, exist_ok=True)
    write("params.json", {k: v for k, v in vars(args).items() if k != "save"})
    write("tags.json", {"data": args.data, "kind": args.kind})
    write(
        "datasets.json",
        [
            described(args.data, train_x, train_y, "training"),
            described(args.data, test_x, test_y, "test"),
        ],
    )
    with (OUT / "metrics.jsonl").open("a") as log:
        model = TRAINERS[args.kind](args, train_x, train_y, test_x, test_y, log)
        scores = final(model, test_x, test_y)
        log.write(json.dumps({"step": args.epochs, **scores}) + "\n")
    predictions(model, args.data, test_x, test_y, test_rows)
    confusion(model, test_x, test_y)
    slices(model, args.data, test_x, test_y, scores)
    save(model, args.save)
    print(" ".join(f"{name} {value:.4f}" for name, value in scores.items()))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", choices=LOADERS, default="cancer")
    parser.add_argument("--kind", choices=TRAINERS, default="linear")
    parser.add_argument("--rate", type=float, default=0.01, help="learning rate")
    parser.add_argument("--penalty", type=float, default=1e-4, help="regularisation or subsample")
    parser.add_argument("--size", type=int, default=32, help="hidden units, or leaves of a tree")
    parser.add_argument("--epochs", type=int, default=210)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--save", default="", help="also save the model here")
    return parser.parse_args()


def linear(args, x, y, test_x, test_y, log):
    model = SGDClassifier(
        loss="log_loss", learning_rate="constant", eta0=args.rate, alpha=args.penalty,
        random_state=args.seed,
    )  # fmt: skip
    return stepwise(model, args, x, y, test_x, test_y, log)


def neural(args, x, y, test_x, test_y, log):
    model = MLPClassifier(
        (args.size,), learning_rate_init=args.rate, alpha=args.penalty, random_state=args.seed
    )
    model = stepwise(model, args, x, y, test_x, test_y, log)
    # Needed to go on training, not to predict; and no type that others would trust unseen.
    vars(model).pop("_optimizer")
    return model


def stepwise(model, args, x, y, test_x, test_y, log):
    order = np.random.default_rng(args.seed)
    classes = np.unique(y)
    for epoch in range(args.epochs):
        rows = order.permutation(len(y))
        model.partial_fit(x[rows], y[rows], classes=classes)
        curve(log, epoch, model.predict_proba(x), y, model.predict_proba(test_x), test_y)
    return model


def boosted(args, x, y, test_x, test_y, log):
    model = GradientBoostingClassifier(
        n_estimators=args.epochs, learning_rate=args.rate, max_leaf_nodes=max(args.size // 8, 2),
        subsample=0.3, max_features="sqrt", random_state=args.seed,
    ).fit(x, y)  # fmt: skip
    stages = zip(model.staged_predict_proba(x), model.staged_predict_proba(test_x), strict=True)
    for tree, (seen, unseen) in enumerate(stages):
        curve(log, tree, seen, y, unseen, test_y)
    return model


def curve(log, step, seen, y, unseen, test_y):
    line = {
        "step": step,
        "train": {"loss": loss(seen, y), "accuracy": hits(seen, y)},
        "val": {"loss": loss(unseen, test_y), "accuracy": hits(unseen, test_y)},
    }
    log.write(json.dumps(line) + "\n")
    log.flush()


def loss(proba, y):
    return float(-np.log(np.clip(proba[np.arange(len(y)), y], 1e-15, 1)).mean())


def hits(proba, y):
    return float((proba.argmax(axis=1) == y).mean())


def final(model, x, y):
    proba = model.predict_proba(x)
    binary = proba.shape[1] == 2
    auc = roc_auc_score(y, proba[:, 1] if binary else proba, multi_class="ovr")
    return {
        "accuracy": accuracy_score(y, proba.argmax(axis=1)),
        "auc": auc,
        "logloss": log_loss(y, proba),
    }


def parts(data, x, y):
    """Parts of the test set that no row is twice in."""
    if data == "digits":
        return {f"digit {digit}": y == digit for digit in (1, 8, 9)}
    large = x[:, 0] > np.quantile(x[:, 0], 0.75)
    return {"large radius": large, "small radius": ~large}


def predictions(model, data, x, y, rows):
    """A line for each row of the test set, so that two models can be compared row by row."""
    proba = model.predict_proba(x)
    names = np.full(len(y), "", dtype=object)
    for name, mask in parts(data, x, y).items():
        names[mask] = name
    with (OUT / "artifacts" / "predictions.csv").open("w") as file:
        binary = proba.shape[1] == 2
        file.write("id,label,prediction,score,slice\n" if binary else "id,label,prediction,slice\n")
        for row, label, p, name in zip(rows, y, proba, names, strict=True):
            score = f"{p[1]:.6f}," if binary else ""
            file.write(f"{row},{label},{p.argmax()},{score}{name}\n")


def confusion(model, x, y):
    matrix = confusion_matrix(y, model.predict_proba(x).argmax(axis=1))
    labels = [str(label) for label in np.unique(y)]
    write("artifacts/confusion_matrix.json", {"labels": labels, "matrix": matrix.tolist()})


def slices(model, data, x, y, scores):
    """What gates compare: scores on the whole test set and on parts of it."""
    predicted = model.predict_proba(x).argmax(axis=1)
    found = [("", name, value, len(y)) for name, value in scores.items()]
    for name, mask in parts(data, x, y).items():
        found.append(
            (name, "accuracy", float((predicted[mask] == y[mask]).mean()), int(mask.sum()))
        )
    with (OUT / "evaluations.jsonl").open("w") as file:
        for part, metric, value, n in found:
            line = {
                "metric": metric,
                "value": value,
                "dataset": f"{data}-test",
                "slice": part,
                "n": n,
                "artifact": "predictions.csv",
            }
            file.write(json.dumps(line) + "\n")


def described(name, x, y, context):
    digest = hashlib.sha256(np.ascontiguousarray(x).tobytes() + np.asarray(y).tobytes())
    return {
        "name": f"{name}-{context}",
        "digest": f"sha256:{digest.hexdigest()}",
        "source": f"sklearn.datasets.{LOADERS[name].__name__}",
        "context": context,
        "labels": {"rows": str(len(y)), "columns": str(x.shape[1])},
    }


def save(model, path):
    (OUT / "model").mkdir(parents=True, exist_ok=True)
    io.dump(model, OUT / "model" / "model.skops", compression=ZIP_DEFLATED, compresslevel=1)
    if path:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(OUT / "model" / "model.skops", path)


def write(name, value):
    (OUT / name).write_text(json.dumps(value))


TRAINERS = {"linear": linear, "neural": neural, "boosted": boosted}

if __name__ == "__main__":
    main()
