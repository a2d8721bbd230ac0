"""Signed statements: SSH signatures, envelopes, and where they are kept and shared.

Only `shared` and `here` do any I/O. Nothing of this is imported before a statement is asked for.
"""
