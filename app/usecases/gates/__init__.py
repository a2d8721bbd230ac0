"""What a version must be before an alias may point at it: kinds of rules, and their verdicts."""
