"""Writes runs with the real trackers, and `said.json`: what was logged, and what they read back.

Run by the Python of `.venv-wandb`: `write.py FOLDER`.
"""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

STEPS = 40


def logged(step):
    """What a run logs at a step: figures under plain, grouped and nested names, and oddities."""
    return {
        "loss": 1 / (step + 1),
        "val/acc": step / STEPS,
        "big": 1.5e300 * (step + 1),
        "whole": step * 1_000_003,
        "odd": [math.nan, math.inf, -math.inf, -0.0][step % 4],
        "nested": {"a": step, "b": {"c": -step / 7}},
        "ä": step / 3,
        "flag": step % 2 == 0,
    }


def figures(step):
    row = logged(step)
    nested = row.pop("nested")
    row["nested.a"], row["nested.b.c"] = nested["a"], nested["b"]["c"]
    return {key: float(value) for key, value in row.items()}


def series(steps, value):
    found = {}
    for step in steps:
        for key, figure in value(step).items():
            found.setdefault(key, []).append([step, figure])
    return found


def wandb_runs(root):
    import wandb

    run = wandb.init(
        project="fraud", id="full0001", name="a full run", notes="why it was done",
        tags=["nightly", "ünï"], group="sweep 3", job_type="train", dir=str(root),
        config={"lr": 0.1, "net": {"depth": 3, "widths": [8, 4]}, "opt": "adam", "none": None},
    )  # fmt: skip
    print("a line of output")
    for step in range(STEPS):
        row = logged(step)
        if step == 3:
            row["media"] = wandb.Histogram([1, 2, 3])
            row["text"] = "not a number"
        run.log(row)
    run.summary["best"] = 0.97
    run.config.update({"late": 7})
    run.finish()
    failed = wandb.init(project="fraud", id="fail0001", dir=str(root))
    failed.log({"loss": 1.0})
    failed.finish(exit_code=3)
    for part in range(2):
        again = wandb.init(project="other", id="again001", dir=str(root), resume="allow")
        for step in range(part * 5, part * 5 + 5):
            again.log({"loss": float(step)}, step=step)
        again.finish()
        # The folders of one id are told apart by the second.
        time.sleep(1.1)
    return {
        "full": series(range(STEPS), figures),
        "again": series(range(10), lambda step: {"loss": float(step)}),
    }


def wandb_killed(root):
    """A run that dies with all its processes after it has logged enough to fill some blocks."""
    import wandb

    run = wandb.init(project="fraud", id="kill0001", dir=str(root))
    for step in range(4000):
        run.log({"loss": step / 7, "val/acc": step / 11})
    log = next(Path(root).glob("wandb/*-kill0001/*.wandb"))
    while log.stat().st_size < 100_000:
        time.sleep(0.05)
    for child in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = child.read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid():
                # W&B's own process, which would note an end.
                os.kill(int(child.parent.name), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def tensorboard_runs(root):
    import numpy as np
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.compat.proto import event_pb2, summary_pb2
    from tensorboard.plugins.scalar import metadata
    from tensorboard.summary.writer.event_file_writer import EventFileWriter
    from tensorboard.util import tensor_util
    from tensorboardX import SummaryWriter

    logs = root / "logs"
    train = SummaryWriter(str(logs / "exp" / "train"))
    for step in range(STEPS):
        train.add_scalar("loss", 1 / (step + 1), step, walltime=1700000000.25 + step)
        train.add_scalar("odd", [math.nan, math.inf, -math.inf][step % 3], step)
        train.add_scalar("negative", 2.5, step - 5)
    train.add_text("note", "hello **x**", 0)
    train.add_histogram("weights", np.arange(10.0), 1)
    train.add_image("picture", np.zeros((3, 8, 8)), 1)
    train.add_hparams({"lr": 0.1, "opt": "adam", "flag": True}, {"hp/acc": 0.5}, name="trial")
    train.close()
    # Killed at 30 and begun again at 20.
    for begin, end, value in ((0, 30, 1.0), (20, 40, 2.0)):
        options = {"purge_step": begin} if begin else {}
        part = SummaryWriter(
            str(logs / "exp" / "restarted"), filename_suffix=f".{begin:02}", **options
        )
        for step in range(begin, end):
            part.add_scalar("loss", value, step)
        part.close()
        time.sleep(1.1)
    # As TensorFlow 2 writes them: a tensor of one element, its plugin named the first time.
    writer = EventFileWriter(str(logs / "tf2"))
    for step in range(STEPS):
        value = summary_pb2.Summary.Value(
            tag="loss", tensor=tensor_util.make_tensor_proto(np.float32(step / 3))
        )
        if not step:
            value.metadata.CopyFrom(metadata.create_summary_metadata("", ""))
        summary = summary_pb2.Summary(value=[value])
        writer.add_event(event_pb2.Event(wall_time=1700000000, step=step, summary=summary))
    writer.close()
    read = {}
    for name in ("exp/train", "exp/restarted", "exp/train/trial"):
        accumulator = EventAccumulator(str(logs / name), {"scalars": 0}).Reload()
        read[name] = {
            tag: [[e.step, e.wall_time, e.value] for e in accumulator.Scalars(tag)]
            for tag in accumulator.Tags()["scalars"]
        }
    accumulator = EventAccumulator(str(logs / "tf2"), {"tensors": 0}).Reload()
    read["tf2"] = {
        tag: [[e.step, e.wall_time, float(tensor_util.make_ndarray(e.tensor_proto))]
              for e in accumulator.Tensors(tag)]
        for tag in accumulator.Tags()["tensors"]
    }  # fmt: skip
    return read


def trackio_runs():
    import trackio

    trackio.init(project="vision", name="one", config={"lr": 0.1, "net": {"depth": 3}}, group="g")
    for step in range(STEPS):
        row = logged(step)
        row["text"] = "not a number"
        trackio.log(row)
    trackio.finish()
    return {"one": series(range(STEPS), figures)}


def main():
    root = Path(sys.argv[1])
    if sys.argv[2:] == ["killed"]:
        wandb_killed(root)
    # First: later, W&B would have it share the process of this one.
    killed = subprocess.run([sys.executable, __file__, root, "killed"], check=False)
    said = {"wandb": wandb_runs(root), "logs": tensorboard_runs(root), "trackio": trackio_runs()}
    said["killed"] = killed.returncode
    (root / "said.json").write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    main()
