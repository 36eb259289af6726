"""MK0: files can be read at all."""

from collections.abc import Iterator

from modelkeep.check.findings import Finding, rule
from modelkeep.check.project import Project


@rule("MK001")
def readable(project: Project) -> Iterator[Finding]:
    """Every file that describes the project is what its name says."""
    project.params, project.pyproject, project.tracked_data  # noqa: B018
    for stage in project.stages.values():
        project.code(stage.name)
    halves = {broken.file for broken in project.unmerged}
    others = [broken for broken in project.unreadable if broken.file not in halves]
    for broken in [*project.unmerged, *others]:
        yield Finding(
            broken.file,
            broken.line,
            "MK001",
            f"{broken.file} cannot be read: {broken.reason.rstrip('.')}.",
            "Correct this line; other rules that need the file were not checked.",
        )
