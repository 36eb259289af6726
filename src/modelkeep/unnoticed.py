"""Stages of which DVC does not notice whether what they read has changed."""

from modelkeep_core.dvc_yaml import Stage


def unnoticed(stage: Stage) -> tuple[str, str] | None:
    """Return why nothing says what made the outputs of a stage, and what to do, or None."""
    if stage.frozen:
        return (
            f"stage '{stage.name}' is frozen: DVC does not run it again when what it reads "
            "changes, so nothing says what made its outputs.",
            f"Take `frozen` out of {stage.where} in dvc.yaml, and type `dvc repro`.",
        )
    if stage.always_changed:
        return (
            f"stage '{stage.name}' is always changed: DVC runs it each time, so nothing says "
            "whether its outputs are those of what it reads.",
            f"Take `always_changed` out of {stage.where} in dvc.yaml; what the stage fetches comes "
            "by `dvc import-url`.",
        )
    return None
