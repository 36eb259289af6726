"""The version of a stage is fetched, verified, and followed when it changes."""

import shutil
import subprocess
import threading
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path

import pytest

from modelkeep.serving import follow as module
from modelkeep.serving import service
from modelkeep.serving.current import Current
from modelkeep.serving.follow import Follower, Source
from modelkeep.serving.served import load
from modelkeep_core.errors import UserError
from modelkeep_core.packaged import open_package
from server import Server, until
from signing import NEEDED, SIGNERS, allowed, asking

pytestmark = pytest.mark.slow

PACKAGES = Path("var/packages")


def source(stage=None, reference=None, repo=".", model=None, signers=None):
    """Return a source in the current directory."""
    return Source(str(repo), model, stage, reference, PACKAGES, signers)


@pytest.fixture
def follow(numbered, monkeypatch):
    """Return the project, a follower of prod that can be told to look, and what it tells."""
    # A look is over when origin has answered, however much else this machine does.
    monkeypatch.setattr(module, "WAIT", 60)
    numbered.assign("prod", "strong")
    follows = source("prod")
    path = Path("var/current.json")
    follower = Follower(follows, follows.current(), path, 60)
    yield numbered, follower, path
    follower.stopped.set()
    if follower.is_alive():
        follower.join(30)
    assert not follower.is_alive(), "the thread outlives its test"


def test_a_version_is_fetched_and_verified(numbered):
    """Its package lies in a directory of its own, and opens."""
    current = source(reference="v1.1.0").current()
    assert (current.version, current.stage, current.trust_code) == ("v1.1.0", "", True)
    assert Path(current.package).parent == PACKAGES
    assert open_package(Path(current.package)).metadata["name"] == "made-up"
    assert source(reference="v1.1.0").current() == current


def test_a_stage_is_the_version_that_it_is_assigned(numbered):
    """And not a branch, or a revision, of the same name."""
    numbered.assign("weak", "strong")
    current = source("weak").current()
    assert (current.version, current.stage) == ("v1.1.0", "weak")


def test_a_stage_without_a_version_is_refused(numbered):
    """The command that assigns one is given."""
    with pytest.raises(UserError, match=r"no version is in 'prod'\. `modelkeep promote"):
        source("prod").current()


def test_two_models_in_one_stage_need_a_name(numbered):
    """It is said which ones there are, and how to choose."""
    numbered.tag("other@v1.0.0", "strong")
    numbered.tag("other#prod#1", "strong")
    numbered.assign("prod", "strong")
    with pytest.raises(UserError, match="made-up, other: say which with --model"):
        source("prod").current()
    assert source("prod", model="made-up").current().version == "v1.1.0"


def test_a_package_that_was_changed_on_disk_is_refused(numbered):
    """What lies there from before is not believed."""
    package = Path(source(reference="v1.1.0").current().package)
    (package / "model.skops").write_bytes(b"changed")
    with pytest.raises(UserError, match=r"model\.skops is not the file that was packaged"):
        source(reference="v1.1.0").current()
    other = Path(source(reference="v1.0.0").current().package)
    shutil.rmtree(package)
    shutil.copytree(other, package)
    with pytest.raises(UserError, match=r"is not the package of v1\.1\.0: remove it"):
        source(reference="v1.1.0").current()


def test_two_servers_may_fetch_the_same_package_at_once(numbered, monkeypatch):
    """Where they keep their packages in one directory, the slower one takes what is there."""
    fetch = module.fetch

    def overtaken(*given):
        fetch(*given)
        fetch(*given)

    monkeypatch.setattr(module, "fetch", overtaken)
    current = source(reference="v1.1.0").current()
    assert open_package(Path(current.package)).metadata["name"] == "made-up"


def test_a_promotion_and_a_rollback_are_noticed(follow):
    """The next look tells the workers; a look that finds nothing new writes nothing."""
    project, follower, path = follow
    follower.look()
    assert not path.exists()
    project.assign("prod", "main")
    follower.look()
    assert Current.read(path).version == "v1.2.0"
    before = path.stat().st_mtime_ns
    follower.look()
    assert path.stat().st_mtime_ns == before
    project.assign("prod", "strong", "Rolled back")
    follower.look()
    assert Current.read(path).version == "v1.1.0"


def test_what_a_colleague_pushed_is_noticed(follow):
    """In a clone, tags are fetched."""
    project, follower, path = follow
    origin = project.add_origin()
    follower.look()
    project.assign("prod", "main")
    subprocess.run(["git", "push", "-q", "origin", "--tags"], check=True)
    subprocess.run(["git", "tag", "-d", "made-up#prod#2"], check=True, capture_output=True)
    follower.look()
    assert Current.read(path).version == "v1.2.0"
    assert "made-up#prod#2" in project.tags()
    assert origin.is_dir()


def test_a_repository_is_followed_without_a_clone(follow, tmp_path):
    """By its URL; nothing is read anew while no tag changes."""
    project, _, path = follow
    origin = project.add_origin()
    follows = source("prod", repo=f"file://{origin}")
    follower = Follower(follows, follows.current(), path, 60)
    follower.look()
    assert not path.exists()
    project.assign("prod", "main")
    subprocess.run(["git", "push", "-q", "origin", "--tags"], check=True)
    follower.look()
    assert Current.read(path).version == "v1.2.0"


def test_nothing_is_read_while_no_tag_changes(follow, monkeypatch):
    """A look costs one question."""
    _, follower, _ = follow
    follower.look()
    monkeypatch.setattr(Source, "current", lambda _: pytest.fail("it was read"))
    follower.look()


def test_a_failed_look_is_told_and_the_next_one_mends_it(follow):
    """The old version stays, with the reason beside it."""
    project, follower, path = follow
    origin = project.add_origin()
    gone = origin.rename(origin.with_name("gone.git"))
    follower.look()
    current = Current.read(path)
    assert current.version == "v1.1.0"
    assert "git fetch` failed" in current.failure
    gone.rename(origin)
    follower.look()
    assert Current.read(path).failure == ""


def test_a_rollback_in_the_clone_does_not_wait_for_origin(follow, monkeypatch):
    """While origin is away, or hangs, what this clone says is followed, and the fault is told."""
    project, follower, path = follow
    project.assign("prod", "main")
    origin = project.add_origin()
    follower.look()
    assert Current.read(path).version == "v1.2.0"
    origin.rename(origin.with_name("gone.git"))
    project.assign("prod", "strong", "Rolled back")
    follower.look()
    current = Current.read(path)
    assert (current.version, "git fetch` failed" in current.failure) == ("v1.1.0", True)
    monkeypatch.setattr(module, "WAIT", 0.05)
    monkeypatch.setattr(module, "SILENCE", 0.0)
    hang = threading.Event()
    monkeypatch.setattr(Source, "update", lambda *_: hang.wait(30))
    project.assign("prod", "main", "Forward again")
    follower.look()
    hang.set()
    current = Current.read(path)
    assert (current.version, current.failure) == ("v1.2.0", "origin has not answered for 0 s")


def test_a_server_starts_with_what_it_served_while_all_else_is_away(numbered, tmp_path):
    """If the bytes are the same and the question is; and says what is away."""
    numbered.assign("prod", "strong")
    origin = numbered.add_origin()
    path = Path("var/current.json")

    def asked(stage="prod", repo=f"file://{origin}"):
        return source(stage, repo=repo)

    before = asked().at_start(path)
    before.write(path)
    assert before.failure == ""
    gone = origin.rename(origin.with_name("gone.git"))
    started = asked().at_start(path)
    assert started == replace(before, failure=started.failure)
    assert "origin.git cannot be read" in started.failure
    with pytest.raises(UserError, match="cannot be read"):
        asked("test").at_start(path)
    manifest = Path(before.package, "manifest.json")
    manifest.write_bytes(manifest.read_bytes() + b" ")
    with pytest.raises(UserError, match="cannot be read"):
        asked().at_start(path)
    gone.rename(origin)


def test_a_repository_that_hangs_does_not_keep_a_server_from_starting(numbered, monkeypatch):
    """It starts with what it served last; where nothing was, it waits."""
    numbered.assign("prod", "strong")
    path = Path("var/current.json")
    before = source("prod").at_start(path)
    before.write(path)
    hang = threading.Event()
    monkeypatch.setattr(Source, "current", lambda _: hang.wait(30))
    started = source("prod").at_start(path, patience=0.05)
    hang.set()
    assert started == replace(before, failure=". has not answered for 0.05 s.")


def test_a_server_starts_while_the_remote_is_away(numbered):
    """Git has the hash of every file of the package that was fetched before."""
    numbered.assign("prod", "strong")
    before = source("prod").current()
    shutil.rmtree(numbered.storage)
    shutil.rmtree(".dvc/cache")
    assert source("prod").at_start(Path("var/current.json")) == before


def test_a_clone_asks_its_origin_before_it_starts(numbered):
    """A server that does not follow starts with what is in the stage now, or says it may not."""
    numbered.assign("prod", "strong")
    origin = numbered.add_origin()
    numbered.assign("prod", "main")
    subprocess.run(["git", "push", "-q", "origin", "--tags"], check=True)
    subprocess.run(["git", "tag", "-d", "made-up#prod#2"], check=True, capture_output=True)
    assert source("prod").at_start(Path("var/current.json")).version == "v1.2.0"
    origin.rename(origin.with_name("gone.git"))
    started = source("prod").at_start(Path("var/current.json"))
    assert (started.version, "git fetch` failed" in started.failure) == ("v1.2.0", True)


def test_every_look_touches_the_file_and_makes_it_anew(follow):
    """So the workers see that somebody looks, and what was removed comes back."""
    _, follower, path = follow
    follower._every = 0.02
    follower.start()
    until(path.exists)
    before = path.stat().st_mtime_ns
    until(lambda: path.stat().st_mtime_ns > before)


def test_a_version_whose_bytes_are_nowhere_is_told_and_tried_again(follow):
    """A promotion of something that cannot be had changes nothing, until it can."""
    project, follower, path = follow
    project.assign("prod", "main")
    hidden = project.storage.rename(project.storage.with_name("hidden"))
    cache = Path(".dvc/cache").rename(".dvc/hidden")
    follower.look()
    current = Current.read(path)
    assert (current.version, bool(current.failure)) == ("v1.1.0", True)
    hidden.rename(project.storage)
    cache.rename(".dvc/cache")
    follower.look()
    assert (Current.read(path).version, Current.read(path).failure) == ("v1.2.0", "")


def test_a_repository_that_never_answers_is_told(follow, monkeypatch):
    """A connection that hangs is given up after a while, and nobody waits for ever."""
    _, follower, path = follow
    subprocess.run(["git", "remote", "add", "origin", "ssh://nowhere/model"], check=True)
    monkeypatch.setenv("GIT_SSH_COMMAND", "sleep 30;")
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    follower.look()
    current = Current.read(path)
    assert (current.version, current.failure) == ("v1.1.0", "`git fetch` had no answer in 0.5 s.")


def test_whatever_goes_wrong_is_told_and_the_next_look_mends_it(follow, monkeypatch, caplog):
    """A full disk, say, does not end the following; the log has the traceback."""
    project, follower, path = follow
    project.assign("prod", "main")
    with monkeypatch.context() as patch:
        patch.setattr(module, "fetch", broken)
        follower.look()
    current = Current.read(path)
    assert (current.version, current.failure) == ("v1.1.0", "OSError(28, 'no space')")
    assert "a look for another version failed" in caplog.text
    follower.look()
    assert (Current.read(path).version, Current.read(path).failure) == ("v1.2.0", "")


def broken(*_):
    """Do as a disk that is full does."""
    raise OSError(28, "no space")


def test_workers_that_cannot_be_told_are_told_later(follow, monkeypatch, caplog):
    """The file that names the package is written as soon as that can be done."""
    project, follower, path = follow
    project.assign("prod", "main")
    follower._every = 0.02
    with monkeypatch.context() as patch:
        patch.setattr(Current, "write", broken)
        follower.start()
        until(lambda: f"{path} cannot be written now" in caplog.text)
    until(path.exists)
    follower.stopped.set()
    follower.join(60)
    assert Current.read(path).version == "v1.2.0"


def test_it_looks_again_and_again_until_it_is_stopped(follow):
    """The thread ends when it is told to."""
    project, follower, path = follow
    follower._every = 0.02
    project.assign("prod", "main")
    follower.start()
    until(path.exists)
    follower.stopped.set()
    follower.join(60)
    assert not follower.is_alive()


# Signatures


@NEEDED
def test_what_was_served_without_signers_is_not_served_with_them(numbered, tmp_path, keys):
    """A server that begins to ask for signatures does not start with what nobody has signed."""
    numbered.assign("prod", "strong")
    path = Path("var/current.json")
    source("prod").at_start(path).write(path)
    signers = tmp_path / "signers"
    signers.write_text(allowed(keys["ada"]), encoding="utf-8")
    with pytest.raises(UserError, match="made-up#prod#1 is not signed"):
        source("prod", signers=signers).at_start(path)
    signers.unlink()
    with pytest.raises(UserError, match="signers cannot be read: No such file"):
        source("prod", repo=f"file://{numbered.directory}", signers=signers).tags()


@pytest.fixture
def asked(numbered, keys):
    """The project as Ada has it, who signs what she assigns; prod asks for her signature."""
    (numbered.directory / ".modelkeep").mkdir()
    (numbered.directory / SIGNERS).write_text(allowed(keys["ada"]), encoding="utf-8")
    (numbered.directory / "pyproject.toml").write_text(asking("prod"), encoding="utf-8")
    numbered.commit("Ask for signatures")
    numbered.git("config", "gpg.format", "ssh")
    numbered.git("config", "user.signingkey", f"{keys['ada']}.pub")
    numbered.git("config", "tag.gpgSign", "true")
    numbered.assign("prod", "strong")
    return numbered


def unsigned(project, revision):
    """Assign a version without a signature."""
    project.git("config", "tag.gpgSign", "false")
    project.assign("prod", revision)
    project.git("config", "tag.gpgSign", "true")


@NEEDED
@pytest.mark.parametrize("kind", ["a clone", "a URL", "a URL and signers of its own"])
def test_a_follower_stays_with_what_was_signed(asked, keys, tmp_path, monkeypatch, kind):
    """It goes on with the old version and says why, until somebody signs; a new one starts not."""
    origin = asked.add_origin()
    monkeypatch.setattr(module, "WAIT", 30)
    if kind == "a clone":
        repo = tmp_path / "clone"
        subprocess.run(["git", "clone", "-q", origin, repo], check=True)
        shutil.copy(".dvc/config.local", repo / ".dvc" / "config.local")
    else:
        repo = f"file://{origin}"
    signers = tmp_path / "signers" if "own" in kind else None
    if signers:
        signers.write_text(allowed(keys["ada"]), encoding="utf-8")
    path = Path("var/current.json")
    follows = source("prod", repo=repo, signers=signers)
    follower = Follower(follows, follows.at_start(path), path, 60)
    follower.look()
    unsigned(asked, "main~1")
    asked.git("push", "-q", "origin", "--tags")
    follower.look()
    current = Current.read(path)
    assert current.version == "v1.1.0"
    assert current.failure.startswith("the tag made-up#prod#2 is not signed")
    with pytest.raises(UserError, match="made-up#prod#2 is not signed"):
        source("prod", repo=repo, signers=signers).at_start(Path("var/other.json"))
    asked.assign("prod", "weak")
    asked.git("push", "-q", "origin", "--tags")
    follower.look()
    assert (Current.read(path).version, Current.read(path).failure) == ("v1.0.0", "")
    # A later tag is deleted: what it said is served on, and the older one is not.
    asked.assign("prod", "main~1")
    asked.git("push", "-q", "origin", "--tags")
    follower.look()
    asked.git("push", "-q", "origin", ":refs/tags/made-up#prod#4")
    follower.look()
    current = Current.read(path)
    assert current.version == "v1.2.0"
    assert "was number 4, and is number 3 now: somebody has deleted a later one" in current.failure
    again = source("prod", repo=repo, signers=signers).at_start(path)
    assert (again.version, "is number 3 now" in again.failure) == ("v1.2.0", True)
    asked.assign("prod", "weak")
    asked.git("push", "-q", "origin", "--tags")
    follower.look()
    assert (Current.read(path).version, Current.read(path).failure) == ("v1.0.0", "")
    # Who may sign has changed, and no tag has.
    if signers:
        signers.write_text(allowed(keys["bob"]), encoding="utf-8")
    else:
        (asked.directory / SIGNERS).write_text(allowed(keys["bob"]), encoding="utf-8")
        asked.commit("Let Bob release, and Ada no more")
        asked.git("push", "-q", "origin", "main")
    follower.look()
    current = Current.read(path)
    assert current.version == "v1.0.0"
    assert "made-up#prod#5 is signed with a key of no allowed signer" in current.failure


def asks(server, row, expected, stopped, ids, wrong):
    """Ask until told to stop; note each answer, and what is none or not that of its version."""
    while not stopped.is_set():
        try:
            reply = server.post("/predict", {"records": [row]})
            answer = reply.json
            predicted = (answer["predictions"], answer["probabilities"])
            if reply.status != 200 or predicted != expected[answer["version"]]:
                wrong.append((reply.status, answer))
            ids.append((answer["request_id"], answer["version"]))
        except (OSError, HTTPException, KeyError) as error:
            wrong.append(repr(error))


@NEEDED
def test_under_load_what_nobody_may_release_is_not_served(asked, keys, row, tmp_path, monkeypatch):
    """A stolen right to push tags, an unknown and an expired key change no answer, and lose none.

    The server has no clone and its own file of signers. What the owner signs then is followed.
    """
    monkeypatch.setattr(service, "LOOK", 0.1)
    origin, signers = asked.add_origin(), tmp_path / "signers"
    expired = allowed(keys["bob"], 'valid-before="20200101"')
    signers.write_text(allowed(keys["ada"]) + expired, encoding="utf-8")
    follows = source("prod", repo=f"file://{origin}", signers=signers)
    first = replace(follows.at_start(tmp_path / "current.json"), every=0.2)
    weak = source(reference=asked.id("weak"), repo=f"file://{origin}").current()
    expected = {}
    for current in (first, replace(weak, version="v1.0.0")):
        model = load(Path(current.package).absolute())
        predicted = model.predict(model.contract.from_records([row]))
        expected[current.version] = (
            predicted.predictions.tolist(),
            predicted.probabilities.tolist(),
        )
    assert first.version == "v1.1.0"
    assert expected["v1.1.0"] != expected["v1.0.0"]
    stopped, ids, wrong = threading.Event(), [], []
    with Server(Path(first.package), tmp_path / "served") as server:
        first.write(server.current)
        until(lambda: server.get("/version").json["version"] == "v1.1.0")
        follower = Follower(follows, first, server.current, 0.2)
        clients = [
            threading.Thread(target=asks, args=(server, row, expected, stopped, ids, wrong))
            for _ in range(4)
        ]
        for thread in (follower, *clients):
            thread.start()
        try:
            for key, why in (
                (None, "is not signed"),
                ("eve", "is signed with a key of no allowed signer"),
                ("bob", "whose key was not valid on"),
            ):
                asked.git("config", "user.signingkey", f"{keys[key or 'ada']}.pub")
                if key:
                    asked.assign("prod", "weak")
                else:
                    unsigned(asked, "weak")
                asked.git("push", "-q", "origin", "--tags")
                until(lambda why=why: why in server.get("/health").json.get("following", ""), 30)
                assert server.get("/health").json["version"] == "v1.1.0"
            assert {version for _, version in ids} == {"v1.1.0"}
            asked.git("config", "user.signingkey", f"{keys['ada']}.pub")
            asked.assign("prod", "weak")
            asked.git("push", "-q", "origin", "--tags")
            until(lambda: server.get("/version").json["version"] == "v1.0.0", 30)
            until(lambda: server.get("/health").json["status"] == "ok")
        finally:
            stopped.set()
            follower.stopped.set()
            for thread in (follower, *clients):
                thread.join(30)
        assert wrong == []
        assert {name for name, *_ in server.rows("requests")} >= {name for name, _ in ids}
    assert len(ids) > 20
