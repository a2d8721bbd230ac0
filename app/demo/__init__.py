"""The demo project: a training script and its settings, copied out and run for real."""
