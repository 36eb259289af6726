"""All versions of all models of a repository, and the stages that they are assigned to."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelkeep.registry.git import Git
from modelkeep.registry.metadata import Record, Records
from modelkeep.registry.summary import summaries
from modelkeep.registry.tags import Event, of_model, order, parse, read_events
from modelkeep.registry.trust import Trust
from modelkeep.registry.version import Version, full_name
from modelkeep_core.errors import UserError, suggestion

if TYPE_CHECKING:
    from modelkeep.registry.dvc_lock import Pipeline


class Catalogue:
    """What the tags and commits of a repository say about its models.

    Attributes:
        git: the repository.
        model: the only model that counts, or None.
        events: what the tags say, oldest first.
        records: the metadata of the versions.
        trust: what the signatures of the tags are worth.
    """

    def __init__(self, git: Git, model: str | None = None, trust: Trust | None = None) -> None:
        """Read the tags.

        Args:
            git: the repository; in a project below its top, only that project's models count.
            model: the name of the only model that counts, or None for all.
            trust: whose signatures count; None for what the repository says.

        Raises:
            UserError: there is no such model.
        """
        self.git = git
        self.model: str | None = None
        self.records = Records(git)
        self.trust = trust or Trust(git)
        self.events = [event for event in read_events(git) if self._here(event.model)]
        if model is not None:
            self._choose(model)

    def of(self, model: str) -> "Catalogue":
        """Return the same for one model only.

        Raises:
            UserError: there is no such model.
        """
        return Catalogue(self.git, model, self.trust)

    def check_signed(self, event: Event) -> None:
        """Make sure that what a tag assigns to a stage is signed, where that is asked for.

        Raises:
            UserError: it is not.
        """
        events = [*of_model(self.events, event.model)]
        self.trust.check_stage(events, event, self.at(event.model, event.commit))

    def _here(self, model: str) -> bool:
        return not self.git.prefix or Version(model, "").directory == self.git.prefix

    def full(self, name: str) -> str:
        """Return the full name of a model that a person may have named as in its own project."""
        return name if ":" in name else full_name(self.git.prefix, name)

    def _choose(self, name: str) -> None:
        names = {*self.models, *self.current_models}
        self.model = self.full(name)
        self.events = [event for event in self.events if event.model == self.model]
        if not self._here(self.model) or not (self.events or self.current_models):
            raise UserError(
                f"there is no model '{name}'{suggestion(self.model, names)}: the models are the "
                "entries under `artifacts:` in dvc.yaml."
            )

    @property
    def models(self) -> list[str]:
        """The models that have a version or were in a stage, in alphabetical order."""
        return sorted({event.model for event in self.events})

    @property
    def current_models(self) -> list[str]:
        """The models that dvc.yaml of HEAD names; none where it cannot be read."""
        head = self.git.commit("HEAD")
        return self.models_of(head) if head else []

    def models_of(self, commit: str) -> list[str]:
        """Return the models that dvc.yaml of a commit names; none where it cannot be read."""
        try:
            return self.models_named(commit)
        except UserError:
            return []

    def has_pipeline(self, commit: str) -> bool:
        """Say whether a commit has a dvc.yaml."""
        return self.git.read_one(f"{commit}:{self._place}dvc.yaml") is not None

    def models_named(self, commit: str) -> list[str]:
        """Return the models that dvc.yaml of a commit names.

        Raises:
            UserError: it cannot be read.
        """
        from modelkeep.registry.dvc_lock import read_artifacts

        names = read_artifacts(self.git, commit, self._place)
        models = [full_name(self._place, name) for name in names]
        return [model for model in models if self.model in (None, model)]

    @property
    def _place(self) -> str:
        """The directory of the project in its repository."""
        return Version(self.model, "").directory if self.model else self.git.prefix

    @cached_property
    def numbered(self) -> dict[str, dict[str, Version]]:
        """The registered versions, by model and number, oldest first."""
        numbered: dict[str, dict[str, Version]] = {}
        for event in self.events:
            if event.version and event.back:
                numbered.get(event.model, {}).pop(event.version, None)
            elif event.version:
                version = Version(event.model, event.commit, event)
                numbered.setdefault(event.model, {})[event.version] = version
        return numbered

    def numbers_in_tags(self, model: str) -> list[str]:
        """Return the version numbers that the names of tags take, whatever the tags say."""
        names = (parse(name.removeprefix("refs/tags/")) for name, _ in self.git.refs("refs/tags"))
        return [name.version for name in names if name and name.model == model and name.version]

    def registered(self, model: str) -> list[Version]:
        """Return the registered versions of a model, newest first."""
        return [*self._newest_first.get(model, [])]

    @cached_property
    def _newest_first(self) -> dict[str, list[Version]]:
        def place(version: Version) -> tuple[Any, ...]:
            return version.event.moment, order(version.number or "")

        return {
            model: sorted(versions.values(), key=place, reverse=True)
            for model, versions in self.numbered.items()
        }

    @cached_property
    def _by_commit(self) -> dict[tuple[str, str], Version]:
        """The registered version on each commit, by model and commit; the last one of several."""
        return {
            (model, version.commit): version
            for model in self.numbered
            for version in reversed(self.registered(model))
        }

    def at(self, model: str, commit: str) -> Version:
        """Return the model as a commit has it, with its number if it has one."""
        return self._by_commit.get((model, commit)) or Version(model, commit)

    def registered_at(self, commit: str) -> list[Version]:
        """Return the registered versions on a commit, one of each model."""
        return [version for (_, of), version in sorted(self._by_commit.items()) if of == commit]

    @cached_property
    def assignments(self) -> dict[str, dict[str, Event]]:
        """By model and stage, the assignment in force, whether it can be believed or not."""
        assignments: dict[str, dict[str, Event]] = {}
        for model in self.models:
            last = {stage: event for stage, _, event in self.changes(model)}
            assignments[model] = {stage: event for stage, event in last.items() if event}
        return assignments

    def assigned(self, model: str, stage: str) -> Version | None:
        """Return the version of a model that is in a stage now, or None."""
        event = self.assignments.get(model, {}).get(stage)
        return self.at(model, event.commit) if event else None

    def changes(self, model: str) -> Iterator[tuple[str, Event, Event | None]]:
        """Yield each change of what is assigned to a stage of a model, in the order of time.

        In a stage is what was last assigned to it and not taken back. As in GTO, taking back an
        assignment puts the one before it in force again, and so does taking back the version;
        nothing is in the stages of a deprecated model, until something is said of it again.

        Yields:
            The stage, the event that changed it, and the assignment in force since, or None.
        """
        numbers: dict[str, str] = {}
        taken_back: set[str] = set()
        last: dict[str, dict[str, Event]] = {}
        in_force: dict[str, Event | None] = {}
        deprecated = False
        for event in of_model(self.events, model):
            revived, deprecated = deprecated and not event.deprecates, event.deprecates
            if event.stage:
                last.setdefault(event.stage, {})[event.commit] = event
            elif event.version and event.back:
                numbers.pop(event.version, None)
                taken_back.add(event.commit)
            elif event.version:
                numbers[event.version] = event.commit
            if not event.stage and not taken_back and not deprecated and not revived:
                continue
            withdrawn = taken_back.difference(numbers.values())
            for stage in [event.stage] if event.stage and not revived else last:
                events = [] if deprecated else last[stage].values()
                valid = [
                    other for other in events if not other.back and other.commit not in withdrawn
                ]
                new = max(valid, key=lambda other: (other.moment, other.counter), default=None)
                if new is not in_force.get(stage):
                    in_force[stage] = new
                    yield stage, event, new

    @cached_property
    def deprecations(self) -> dict[str, Event]:
        """By model, the tag that deprecates it, where nothing was said of the model since."""
        last = {event.model: event for event in self.events}
        return {model: event for model, event in last.items() if event.deprecates}

    def deprecation(self, model: str) -> dict[str, Any] | None:
        """Return when, by whom and why a model was deprecated, or None."""
        event = self.deprecations.get(model)
        if event is None:
            return None
        return {
            "tag": event.tag,
            "date": event.when.isoformat(),
            "author": event.author,
            "message": event.reason or "no reason given",
        }

    def withdrawn(self, model: str, commit: str) -> bool:
        """Say whether the number of a commit was taken back, and it has no other one."""
        return (model, commit) in self._taken_back and (model, commit) not in self._by_commit

    @cached_property
    def _taken_back(self) -> set[tuple[str, str]]:
        return {
            (event.model, event.commit) for event in self.events if event.version and event.back
        }

    def stages(self, version: Version) -> list[str]:
        """Return the stages that a version is in now."""
        assignments = self.assignments.get(version.model, {}).items()
        return sorted(stage for stage, event in assignments if event.commit == version.commit)

    def pipeline(self, version: Version) -> "Pipeline":
        """Return the pipeline of the version's commit.

        Raises:
            UserError: dvc.yaml or dvc.lock of the commit cannot be read.
        """
        from modelkeep.registry.dvc_lock import read_pipeline

        return read_pipeline(self.git, version.commit, version.directory)

    def summaries(self, versions: Iterable[Version]) -> Iterator[tuple[Version, Record]]:
        """Yield each version with at least recipe and headline of its metadata."""
        return summaries(self.git, self.records, versions)

    def unregistered(self, model: str) -> list[tuple[Version, str, str]]:
        """Return the commits that changed a model to a recipe that was never registered.

        Returns:
            Version, author and date (ISO 8601) of each, newest first.
        """
        recipes = {
            record.metadata["recipe_id"]
            for _, record in self.summaries(self.registered(model))
            if record.metadata
        }
        head = self.git.commit("HEAD")
        if head is not None:
            # Learn where the model has its metadata now.
            [*self.records.read([Version(model, head)])]
        directory = Version(model, "").directory
        paths = [f":(top,literal){directory}{path}" for path in self.records.paths(model)]
        starts = self._starts()
        if not starts:
            return []
        log = self.git.run(
            *("log", "--format=%H%x00%aN%x00%aI", "--stdin", "--", *paths),
            input="".join(f"{start}\n" for start in starts),
        )
        lines = (line.split("\0") for line in log.split("\n")[:-1])
        changed = {commit: (author, date) for commit, author, date in lines}
        read = self.records.read(Version(model, commit) for commit in changed)
        return [
            (version, *changed[version.commit])
            for version, record in read
            if record.metadata and record.metadata["recipe_id"] not in recipes
        ]

    def _starts(self) -> list[str]:
        """Return where history starts: HEAD, and what leads to a commit of branches and tags."""
        listed = self.git.refs("refs/heads", "refs/remotes", "refs/tags")
        names = [*dict.fromkeys(["HEAD", *(oid for _, oid in listed)])]
        commits = self.git.read(f"{name}^{{commit}}" for name in names)
        return [name for name, commit in zip(names, commits, strict=True) if commit is not None]


def package_of(pipeline: "Pipeline", version: Version) -> tuple[str, str]:
    """Return path and DVC's hash of the package of a version.

    Raises:
        UserError: no stage makes it.
    """
    path = pipeline.artifacts.get(version.name)
    made = pipeline.producing_stage(path) if path else None
    if path is None or made is None or made[1].md5 is None:
        raise UserError(
            f"dvc.lock of commit {version.commit[:7]} has no package of the model '{version.name}'."
        )
    return path, made[1].md5


def making(pipeline: "Pipeline", version: Version) -> tuple["Pipeline", str]:
    """Return the stages that lead to the package of a version, and the name of the last of them.

    Raises:
        UserError: no stage makes it.
    """
    path, _ = package_of(pipeline, version)
    made = pipeline.producing_stage(path)
    assert made is not None
    return pipeline.leading_to(path), made[0].name


def content_of(catalogue: Catalogue, version: Version) -> str | None:
    """Return DVC's hash of the package of a version; None where its commit does not say."""
    try:
        return package_of(catalogue.pipeline(version), version)[1]
    except UserError:
        return None
