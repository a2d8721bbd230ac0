"""Transparency logs: Merkle trees, signed notes, checkpoints, proofs. Pure; it knows no trail."""
