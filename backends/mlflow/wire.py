"""What MLflow's REST says, as it says it. Empty lists and texts are left out on the wire."""

from collections.abc import Sequence

from msgspec import Struct

Whole = int | str | None
"""A 64-bit integer: protobuf may write it as text."""
Real = float | int | str | None
"""A metric's value: NaN and infinities come as text."""


class Pair(Struct, frozen=True):
    """A parameter or tag."""

    key: str = ""
    value: str | None = ""


class Point(Struct, frozen=True):
    """A metric's value at a step; `run_id` only in answers about several runs."""

    key: str = ""
    value: Real = None
    timestamp: Whole = None
    step: Whole = 0
    run_id: str = ""


class RunInfo(Struct, frozen=True):
    """The row of a run. Times are milliseconds."""

    run_id: str = ""
    run_uuid: str = ""
    run_name: str | None = None
    experiment_id: str = ""
    user_id: str | None = None
    status: str | int | None = None
    start_time: Whole = None
    end_time: Whole = None
    artifact_uri: str | None = None
    lifecycle_stage: str | None = None


class RunData(Struct, frozen=True):
    """What a run logged: latest values alone."""

    metrics: Sequence[Point] = ()
    params: Sequence[Pair] = ()
    tags: Sequence[Pair] = ()


class Data(Struct, frozen=True):
    """A dataset."""

    name: str | None = None
    digest: str | None = None
    source_type: str | None = None
    source: str | None = None
    schema: str | None = None
    profile: str | None = None


class DataInput(Struct, frozen=True):
    """A dataset as a run used it."""

    tags: Sequence[Pair] = ()
    dataset: Data = Data()


class RunInputs(Struct, frozen=True):
    """What a run used."""

    dataset_inputs: Sequence[DataInput] = ()


class ModelOutput(Struct, frozen=True):
    """A logged model of 3.x."""

    model_id: str = ""
    step: Whole = 0


class RunOutputs(Struct, frozen=True):
    """What a run of 3.x made."""

    model_outputs: Sequence[ModelOutput] = ()


class Run(Struct, frozen=True):
    """A run."""

    info: RunInfo = RunInfo()
    data: RunData = RunData()
    inputs: RunInputs = RunInputs()
    outputs: RunOutputs = RunOutputs()


class RunAnswer(Struct, frozen=True):
    """runs/get, runs/create."""

    run: Run


class RunsPage(Struct, frozen=True):
    """runs/search."""

    runs: Sequence[Run] = ()
    next_page_token: str | None = None


class Experiment(Struct, frozen=True):
    """An experiment. Times are milliseconds."""

    experiment_id: str = ""
    name: str = ""
    artifact_location: str | None = None
    lifecycle_stage: str | None = None
    creation_time: Whole = None
    last_update_time: Whole = None
    tags: Sequence[Pair] = ()


class ExperimentAnswer(Struct, frozen=True):
    """experiments/get."""

    experiment: Experiment


class ExperimentMade(Struct, frozen=True):
    """experiments/create."""

    experiment_id: str


class ExperimentsPage(Struct, frozen=True):
    """experiments/search."""

    experiments: Sequence[Experiment] = ()
    next_page_token: str | None = None


class Version(Struct, frozen=True):
    """A version. `aliases` only where one version is asked for, never in a search."""

    name: str = ""
    version: Whole = None
    creation_timestamp: Whole = None
    last_updated_timestamp: Whole = None
    user_id: str | None = None
    current_stage: str | None = None
    description: str | None = None
    source: str | None = None
    run_id: str | None = None
    status: str | None = None
    tags: Sequence[Pair] = ()
    aliases: Sequence[str] = ()
    model_id: str | None = None


class VersionAnswer(Struct, frozen=True):
    """model-versions/get, model-versions/create."""

    model_version: Version


class VersionsPage(Struct, frozen=True):
    """model-versions/search."""

    model_versions: Sequence[Version] = ()
    next_page_token: str | None = None


class Alias(Struct, frozen=True):
    """An alias as its model names it."""

    alias: str = ""
    version: Whole = None


class Model(Struct, frozen=True):
    """A registered model. `latest_versions` has the newest of each stage."""

    name: str = ""
    creation_timestamp: Whole = None
    last_updated_timestamp: Whole = None
    description: str | None = None
    latest_versions: Sequence[Version] = ()
    tags: Sequence[Pair] = ()
    aliases: Sequence[Alias] = ()


class ModelAnswer(Struct, frozen=True):
    """registered-models/get, registered-models/create."""

    registered_model: Model


class ModelsPage(Struct, frozen=True):
    """registered-models/search."""

    registered_models: Sequence[Model] = ()
    next_page_token: str | None = None


class PointsPage(Struct, frozen=True):
    """metrics/get-history and its sampled twin."""

    metrics: Sequence[Point] = ()
    next_page_token: str | None = None


class File(Struct, frozen=True):
    """A file or folder. A file of no bytes comes without its size."""

    path: str = ""
    is_dir: bool = False
    file_size: Whole = None


class FilesPage(Struct, frozen=True):
    """artifacts/list and its kin."""

    root_uri: str | None = None
    files: Sequence[File] = ()
    next_page_token: str | None = None


class UriAnswer(Struct, frozen=True):
    """model-versions/get-download-uri."""

    artifact_uri: str | None = None


class LoggedInfo(Struct, frozen=True):
    """The row of a logged model of 3.x."""

    model_id: str = ""
    experiment_id: str = ""
    name: str | None = None
    artifact_uri: str | None = None
    source_run_id: str | None = None


class Logged(Struct, frozen=True):
    """A logged model of 3.x."""

    info: LoggedInfo = LoggedInfo()


class LoggedAnswer(Struct, frozen=True):
    """logged-models/ID."""

    model: Logged


class Nothing(Struct, frozen=True):
    """`{}`: done."""


class Trouble(Struct, frozen=True):
    """What an answer that is none says."""

    error_code: str = ""
    message: str = ""
