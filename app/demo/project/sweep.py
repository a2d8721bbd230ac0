"""Try several learning rates: each try is a run below this one."""

import subprocess
import sys

RECORD = [sys.executable, "-m", "modeldeck.app", "run", "-e", "digits"]
TRAIN = [sys.executable, "train.py", "--data", "digits", "--kind", "linear"]

for rate in ("0.001", "0.01", "0.1"):
    print(f"rate {rate}", flush=True)
    subprocess.run([*RECORD, "--name", f"sweep {rate}", "--", *TRAIN, "--rate", rate], check=True)
