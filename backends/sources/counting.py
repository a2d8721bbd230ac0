"""How many runs lie in what was found, told without reading them."""

from ..api.errors import ModeldeckError
from . import mlflow_db, mlruns, tensorboard, trackio, wandb
from .detect import Candidate
from .mlruns_runs import FileRuns
from .problems import ProblemLog
from .sqlite import Database

NAMES = {
    mlflow_db.KIND: "MLflow database",
    mlruns.KIND: "MLflow files",
    wandb.KIND: "W&B",
    tensorboard.KIND: "TensorBoard",
    trackio.KIND: "trackio",
}


def words(found: Candidate) -> str:
    """What it is and how much is in it: `W&B, 12 runs`; what is wrong with it where that is all."""
    name = NAMES.get(
        found.kind, f"modeldeck {'snapshot' if found.kind == 'snapshot' else 'registry'}"
    )
    if found.kind not in NAMES:
        return name
    try:
        count = _count(found)
    except ModeldeckError as error:
        return f"{name}, {error.what}"
    return f"{name}, {count:,} run{'' if count == 1 else 's'}"


def _count(found: Candidate) -> int:
    path = found.path
    if found.kind == mlflow_db.KIND:
        database = Database(path, ProblemLog())
        try:
            return int(database.rows("SELECT count(*) FROM runs")[0][0])
        finally:
            database.close()
    if found.kind == mlruns.KIND:
        return FileRuns(path, ProblemLog()).count()
    if found.kind == wandb.KIND:
        return len(wandb.Wandb(path).scan())
    if found.kind == tensorboard.KIND:
        return len(tensorboard.TensorBoard(path).scan())
    source = trackio.Trackio(path)
    try:
        return source.count()
    finally:
        source.close()
