"""Each rule finds what it is there for, on its line, and nothing else."""

import re
from collections.abc import Callable

import pytest

from checked import Checked
from modelkeep.check import rules  # noqa: F401
from modelkeep.check.findings import RULES

pytestmark = pytest.mark.slow

EVALUATE_DEPS = "      - pipeline/evaluate.py\n"
TRAIN_DEPS = "      - pipeline/train.py\n      - pipeline/features.py\n"
EXTRA_REPORT = "outs: [extra, reports/more.csv: {cache: false}]"
EXTRA = """\
  extra:
    cmd: python -m pipeline.extra --out extra
    deps: [requirements.lock, .python-version, pipeline/extra.py]
    outs: [extra]

  # The package says"""


def add_stage(home: Checked, old: str = "", new: str = "") -> None:
    """Add a stage of its own to the project, and break it by replacing `old` by `new`."""
    assert old in EXTRA
    home.write("pipeline/extra.py", '"""nothing → extra."""\n')
    home.append(".gitignore", "/extra\n")
    home.replace("dvc.yaml", "  # The package says", EXTRA.replace(old, new, 1))


def helper(home: Checked, importing: str, *modules: str) -> None:
    """Let train import a module, and write that and others."""
    home.replace(
        "pipeline/train.py", "import pandas as pd\n", f"import pandas as pd\n{importing}\n"
    )
    for module in modules:
        home.write(module, "VALUE = 1\n")


def remote(home: Checked, *lines: str) -> None:
    """Write the remote of the project."""
    text = "[core]\n    remote = storage\n['remote \"storage\"']\n"
    home.write(".dvc/config", text + "".join(f"    {line}\n" for line in lines))


# Of each rule: how it is broken, the file and a part of the line that is named, and of the message
BROKEN: list[tuple[str, Callable[[Checked], object], str, str, str]] = [
    (
        "MK001",
        lambda home: home.replace("params.yaml", "  seed: 7", "  seed: [7"),
        "params.yaml",
        "",
        "params.yaml cannot be read",
    ),
    (
        "MK001",
        lambda home: home.replace("pyproject.toml", "[project]", "[project"),
        "pyproject.toml",
        "[project",
        "pyproject.toml cannot be read",
    ),
    *(
        (
            "MK001",
            lambda home, file=file, deep=deep: home.write(file, home.read(file) + deep),
            file,
            "",
            f"{file} cannot be read",
        )
        for file, deep in (
            ("pyproject.toml", f"deep = {'[' * 5000}\n"),
            ("params.yaml", f"deep: {'[' * 5000}\n"),
            ("schema.yaml", f"deep: {'[' * 5000}\n"),
        )
    ),
    (
        "MK001",
        lambda home: home.replace("pipeline/features.py", "def preprocessing", "def 1"),
        "pipeline/features.py",
        "def 1",
        "it is not Python",
    ),
    (
        "MK001",
        lambda home: home.replace("schema.yaml", "task: ", "task: : "),
        "schema.yaml",
        "task: : ",
        "schema.yaml cannot be read",
    ),
    (
        "MK001",
        lambda home: home.replace("params.yaml", "  seed: 7", "  seed: 7\n  seed: 8"),
        "params.yaml",
        "  seed: 8",
        "key 'seed' is there twice",
    ),
    *(
        (
            "MK001",
            lambda home, file=file: home.write(file, f"{home.read(file)}<<<<<<< HEAD\n"),
            file,
            "<<<<<<< HEAD",
            f"{file} cannot be read: a merge was left half done here",
        )
        for file in (
            *("params.yaml", "schema.yaml", "pyproject.toml", "requirements.lock"),
            *("data/raw.dvc", ".dvcignore", ".python-version", "pipeline/train.py"),
        )
    ),
    (
        "MK101",
        lambda home: home.replace("dvc.yaml", "--out models", "--out models --log train.log"),
        "dvc.yaml",
        "--log train.log",
        "stage 'train' names train.log in its command",
    ),
    (
        "MK101",
        lambda home: home.replace("dvc.yaml", "--raw data/raw", "--raw data/raw --more=data/more"),
        "dvc.yaml",
        "--more=data/more",
        "names data/more",
    ),
    (
        "MK101",
        lambda home: home.replace("dvc.yaml", "--out models", "--out models --from /srv/rows"),
        "dvc.yaml",
        "--from /srv/rows",
        "names /srv/rows",
    ),
    (
        "MK101",
        lambda home: (
            home.replace("pipeline/train.py", '"params", "out"', '"params", "log", "out"')
            or home.replace("dvc.yaml", "--out models", "--out models --log trials")
        ),
        "dvc.yaml",
        "--log trials",
        "stage 'train' names trials in its command",
    ),
    (
        "MK102",
        lambda home: home.replace("dvc.yaml", EVALUATE_DEPS, EVALUATE_DEPS + "      - LICENSE\n"),
        "dvc.yaml",
        "- LICENSE",
        "stage 'evaluate' has LICENSE in its deps",
    ),
    (
        "MK102",
        lambda home: home.replace(
            "dvc.yaml", EVALUATE_DEPS, EVALUATE_DEPS + "      - pipeline/prepare.py\n"
        ),
        "dvc.yaml",
        "- pipeline/prepare.py",
        "stage 'evaluate' has pipeline/prepare.py in its deps",
    ),
    (
        "MK102",
        lambda home: (
            add_stage(home, "outs: [extra]", "outs: [extra, data/prepared-b]")
            or home.append(".gitignore", "/data/prepared-b\n")
        ),
        "dvc.yaml",
        "data/prepared-b",
        "stage 'extra' has data/prepared-b in its outs",
    ),
    (
        "MK103",
        lambda home: (
            home.replace("dvc.yaml", "--models models\n", "--models models --shops shops.csv\n")
            or home.replace("dvc.yaml", EVALUATE_DEPS, EVALUATE_DEPS + "      - shops.csv\n")
        ),
        "dvc.yaml",
        "- shops.csv",
        "depends on shops.csv, which is not there",
    ),
    (
        "MK104",
        lambda home: (
            add_stage(home, "--out extra", "--out extra --also reports/more.csv")
            or home.replace("dvc.yaml", "outs: [extra]", EXTRA_REPORT)
        ),
        "dvc.yaml",
        "reports/more.csv: ",
        "stage 'extra' writes reports/more.csv, and reports belongs to stage 'evaluate'",
    ),
    (
        "MK104",
        lambda home: (
            add_stage(home, "--out extra", "--out extra --raw data/raw")
            or home.replace("dvc.yaml", "outs: [extra]", "outs: [extra, data/raw]")
        ),
        "dvc.yaml",
        "data/raw]",
        "data/raw belongs to data/raw.dvc",
    ),
    (
        "MK105",
        lambda home: add_stage(home, "-m pipeline.extra", "-m pipeline.extr"),
        "dvc.yaml",
        "-m pipeline.extr ",
        "stage 'extra' runs pipeline.extr, which does not exist",
    ),
    (
        "MK105",
        lambda home: home.replace(
            "dvc.yaml", "-m modelkeep_core.package", "-m modelkeep_core.pack"
        ),
        "dvc.yaml",
        "modelkeep_core.pack",
        "stage 'package' runs modelkeep_core.pack",
    ),
    (
        "MK105",
        lambda home: add_stage(home, "python -m pipeline.extra", "python tools/extra.py"),
        "dvc.yaml",
        "tools/extra.py",
        "stage 'extra' runs tools/extra.py",
    ),
    (
        "MK106",
        lambda home: add_stage(home, "  extra:", "  other:"),
        "dvc.yaml",
        "other:",
        "stage 'other' runs the module 'extra'",
    ),
    (
        "MK107",
        lambda home: home.replace("dvc.yaml", "path: package", "path: packages"),
        "dvc.yaml",
        "path: packages",
        "artifact 'model' is packages, which no stage writes",
    ),
    (
        "MK107",
        lambda home: home.replace(
            "dvc.yaml", "  model:\n", "  first:\n    path: package/\n    type: model\n  model:\n"
        ),
        "dvc.yaml",
        "path: package",
        "the models 'first' and 'model' are both package",
    ),
    (
        "MK108",
        lambda home: home.replace("dvc.yaml", "- reports/metrics.json", "- report/metrics.json"),
        "dvc.yaml",
        "- report/metrics.json",
        "metrics names report/metrics.json",
    ),
    (
        "MK108",
        lambda home: home.replace("dvc.yaml", "- reports/plots/roc.csv", "- plots/roc.csv"),
        "dvc.yaml",
        "- plots/roc.csv",
        "plots names plots/roc.csv",
    ),
    (
        "MK108",
        lambda home: home.replace("dvc.yaml", "template: curves", "template: curve"),
        "dvc.yaml",
        "template: curve",
        "by the template 'curve', which does not exist",
    ),
    (
        "MK103",
        lambda home: (
            add_stage(home, "pipeline/extra.py]", "pipeline/extra.py, prices.csv]")
            or home.replace("dvc.yaml", "--out extra", "--prices prices.csv --out extra")
            or home.write("prices.csv", "a\n")
            or home.append(".gitignore", "*.csv\n")
        ),
        "dvc.yaml",
        "prices.csv]",
        "stage 'extra' depends on prices.csv, which Git ignores",
    ),
    (
        "MK110",
        lambda home: (
            home.replace("dvc.yaml", "--raw data/raw", "--raw data/raw --old models")
            or home.replace("dvc.yaml", "    deps:\n", "    deps:\n      - models\n")
        ),
        "dvc.yaml",
        "- models",
        "stage 'prepare' depends on models, which is made of what the stage writes",
    ),
    (
        "MK110",
        lambda home: home.replace("dvc.yaml", "    deps:\n", "    deps:\n      - data/prepared\n"),
        "dvc.yaml",
        "- data/prepared",
        "stage 'prepare' depends on data/prepared",
    ),
    *(
        (
            "MK206",
            lambda home, key=key: home.replace("dvc.yaml", "  train:\n", f"  train:\n    {key}\n"),
            "dvc.yaml",
            key,
            f"stage 'train' is {words}",
        )
        for key, words in (("frozen: true", "frozen"), ("always_changed: true", "always changed"))
    ),
    (
        "MK109",
        lambda home: home.replace("params.yaml", "  name: model", "  name: modell"),
        "params.yaml",
        "name: modell",
        "package.name is 'modell', and the artifact of package is 'model'",
    ),
    (
        "MK201",
        lambda home: home.replace("dvc.yaml", "      - pipeline/features.py\n", ""),
        "dvc.yaml",
        "deps:",
        "stage 'train' imports pipeline/features.py",
    ),
    (
        "MK205",
        lambda home: home.append("pipeline/train.py", "import pipeline.nope\n"),
        "pipeline/train.py",
        "import pipeline.nope",
        "pipeline.nope is imported",
    ),
    (
        "MK205",
        lambda home: home.append("pipeline/features.py", "from .nope import x\n"),
        "pipeline/features.py",
        "from .nope import x",
        "pipeline.nope is imported",
    ),
    (
        "MK202",
        lambda home: home.replace("dvc.yaml", "      - requirements.lock\n", ""),
        "dvc.yaml",
        "deps:",
        "stage 'prepare' runs in the environment of requirements.lock",
    ),
    (
        "MK202",
        lambda home: home.replace("dvc.yaml", "      - .python-version\n", ""),
        "dvc.yaml",
        "deps:",
        "stage 'prepare' runs in the environment of .python-version",
    ),
    (
        "MK203",
        lambda home: home.replace(
            "dvc.yaml",
            "      - reports\n      - data/raw\n",
            "      - reports\n",
        ),
        "dvc.yaml",
        "deps:",
        "stage 'package' packages a model that data/raw is part of",
    ),
    (
        "MK204",
        lambda home: home.replace(
            "dvc.yaml", "      - train\n      - package\n", "      - package\n"
        ),
        "dvc.yaml",
        "params:",
        "made with train of params.yaml",
    ),
    (
        "MK301",
        lambda home: home.replace("dvc.yaml", "      - evaluate\n", "      - evaluate.headlin\n"),
        "dvc.yaml",
        "- evaluate.headlin",
        "stage 'evaluate' uses a parameter 'evaluate.headlin', which params.yaml does not have",
    ),
    (
        "MK301",
        lambda home: home.replace(
            "dvc.yaml", "      - evaluate\n", "      - evaluate\n      - more.yaml:\n"
        ),
        "dvc.yaml",
        "- more.yaml:",
        "a parameter of more.yaml, which is missing",
    ),
    (
        "MK302",
        lambda home: home.append("params.yaml", "\nclean:\n  keep: 1\n"),
        "params.yaml",
        "clean:",
        "no stage uses 'clean'",
    ),
    (
        "MK303",
        lambda home: add_stage(home) or home.append("params.yaml", "\nextra:\n  keep: 1\n"),
        "dvc.yaml",
        "extra:",
        "params.yaml has a section 'extra'",
    ),
    (
        "MK304",
        lambda home: home.replace("schema.yaml", "    min: 25\n", "    min: 75\n"),
        "schema.yaml",
        "bill_length_mm:",
        "columns.bill_length_mm: min 75 is above max 70",
    ),
    (
        "MK304",
        lambda home: home.replace("schema.yaml", "    max: 70\n", "    maximum: 70\n"),
        "schema.yaml",
        "bill_length_mm:",
        "unknown key 'maximum'",
    ),
    (
        "MK305",
        lambda home: home.replace(
            "params.yaml", "estimator: LogisticRegression", "estimator: LogisticRegresion"
        ),
        "params.yaml",
        "estimator: LogisticRegresion",
        "no such classifier (did you mean 'LogisticRegression'?)",
    ),
    (
        "MK305",
        lambda home: home.replace(
            "params.yaml", "  RandomForestClassifier:", "  RandomForestRegressor:"
        ),
        "params.yaml",
        "RandomForestRegressor:",
        "train.RandomForestRegressor: RandomForestRegressor: scikit-learn has no such classifier",
    ),
    (
        "MK305",
        lambda home: home.replace(
            "params.yaml", "estimator: LogisticRegression", "estimator: VotingClassifier"
        ),
        "params.yaml",
        "estimator: VotingClassifier",
        "is built around another estimator",
    ),
    (
        "MK305",
        lambda home: home.replace(
            "params.yaml", "estimator: LogisticRegression", "estimator: lightgbm.LGBMRegressor"
        ),
        "params.yaml",
        "estimator: lightgbm.LGBMRegressor",
        "lightgbm.LGBMRegressor is no estimator for a classification",
    ),
    (
        "MK306",
        lambda home: home.replace("params.yaml", "headline: macro_f1", "headline: f1"),
        "params.yaml",
        "headline: f1",
        "evaluate.headline: there is no metric 'f1' for a classification",
    ),
    (
        "MK306",
        lambda home: home.replace("params.yaml", "    macro_f1: 0.8", "    macro_f2: 0.8"),
        "params.yaml",
        "macro_f2: 0.8",
        "promote.thresholds.macro_f2: there is no metric 'macro_f2'",
    ),
    (
        "MK308",
        lambda home: home.replace("params.yaml", "headline: macro_f1", "hedline: macro_f1"),
        "params.yaml",
        "evaluate:",
        "evaluate: unknown key 'hedline' (did you mean 'headline'?)",
    ),
    (
        "MK308",
        lambda home: home.replace("params.yaml", "  seed: 7\n  # any", "  sead: 7\n  # any"),
        "params.yaml",
        "train:",
        "train: unknown key 'sead' (did you mean 'seed'?)",
    ),
    (
        "MK308",
        lambda home: home.replace("pipeline/train.py", '"train", Train', '"trian", Train'),
        "pipeline/train.py",
        '"trian", Train',
        "it reads the section 'trian', which params.yaml does not have (did you mean 'train'?)",
    ),
    (
        "MK307",
        lambda home: (
            home.replace("params.yaml", "split: random", "split: group")
            or home.replace("params.yaml", "split_by: null", "split_by: iland")
        ),
        "params.yaml",
        "split_by: iland",
        "the schema has no column 'iland' (did you mean 'island'?)",
    ),
    (
        "MK307",
        lambda home: home.replace("params.yaml", "group_by: island", "group_by: iland"),
        "params.yaml",
        "group_by: iland",
        "evaluate.group_by: the schema has no column 'iland' (did you mean 'island'?)",
    ),
    (
        "MK307",
        lambda home: (
            home.replace("params.yaml", "split: random", "split: time")
            or home.replace("params.yaml", "split_by: null", "split_by: island")
        ),
        "params.yaml",
        "split_by: island",
        "column 'island' is a category, of which no row is the latest",
    ),
    (
        "MK401",
        lambda home: home.replace(".gitignore", "/models\n", ""),
        "dvc.yaml",
        "- models",
        "DVC keeps models, and .gitignore does not name it",
    ),
    (
        "MK401",
        lambda home: home.replace(".gitignore", "/data/raw\n", ""),
        "data/raw.dvc",
        "path: raw",
        "DVC keeps data/raw",
    ),
    (
        "MK402",
        lambda home: home.append(".gitignore", "reports/\n"),
        "dvc.yaml",
        "- reports:",
        "reports has `cache: false`",
    ),
    (
        "MK403",
        lambda home: (
            home.write("models/model.skops", b"x")
            or home.git("add", "--force", "models/model.skops")
        ),
        "dvc.yaml",
        "- models",
        "Git has models/model.skops, in models that DVC keeps",
    ),
    (
        "MK404",
        lambda home: remote(home, "url = ../storage"),
        ".dvc/config",
        "url = ../storage",
        "the remote 'storage' has the relative address '../storage'",
    ),
    (
        "MK405",
        lambda home: remote(home, "url = s3://bucket", "secret_access_key = abc"),
        ".dvc/config",
        "secret_access_key",
        "'secret_access_key' of the remote 'storage' is a secret",
    ),
    (
        "MK405",
        lambda home: remote(home, "url = https://me:word@example.org/data"),
        ".dvc/config",
        "url = https",
        "'url' of the remote 'storage' is a secret",
    ),
    (
        "MK501",
        lambda home: home.write(
            "requirements.lock",
            re.sub(
                r"(modelkeep-core==\S+) \\\n +--hash\S+\n", r"\1\n", home.read("requirements.lock")
            ),
        ),
        "requirements.lock",
        "modelkeep-core==",
        "requirements.lock has no hash of modelkeep-core",
    ),
    (
        "MK502",
        lambda home: home.replace("pyproject.toml", '"pandas>=3"', '"pandas>=3",\n    "lightgbm"'),
        "pyproject.toml",
        '"lightgbm"',
        "'lightgbm' is a dependency, and requirements.lock does not name lightgbm",
    ),
    (
        "MK502",
        lambda home: home.replace("pyproject.toml", '"pandas>=3"', '"pandas>=99"'),
        "pyproject.toml",
        "pandas>=99",
        "'pandas>=99' is a dependency, and requirements.lock has",
    ),
    (
        "MK502",
        lambda home: home.replace("pyproject.toml", '"pytest>=9"', '"pytest>=99"'),
        "pyproject.toml",
        "pytest>=99",
        "requirements-dev.lock has",
    ),
    (
        "MK503",
        lambda home: home.replace(
            "pyproject.toml", '["pipeline.features"]', '["pipeline.feature"]'
        ),
        "pyproject.toml",
        '"pipeline.feature"',
        "tool.modelkeep.trusted names 'pipeline.feature', which is no module",
    ),
    (
        "MK503",
        lambda home: home.replace("pyproject.toml", "pipeline.metrics", "pipeline.metric"),
        "pyproject.toml",
        '"pipeline.metric"',
        "tool.modelkeep.metrics names 'pipeline.metric', which is no module",
    ),
    (
        "MK504",
        lambda home: home.write("vendor/modelkeep_core-0.1.0-py3-none-any.whl", b"another"),
        "requirements.lock",
        "modelkeep-core==",
        "is not the file that requirements.lock names",
    ),
    (
        "MK505",
        lambda home: home.replace("pyproject.toml", "trusted = ", "trustd = "),
        "pyproject.toml",
        "[tool.modelkeep]",
        "unknown key 'trustd'",
    ),
    (
        "MK506",
        lambda home: home.replace(
            "params.yaml", "estimator: LogisticRegression", "estimator: lightgbm.LGBMClassifier"
        ),
        "params.yaml",
        "estimator: lightgbm.LGBMClassifier",
        "train.estimator: lightgbm.LGBMClassifier needs lightgbm, and requirements.lock does not",
    ),
    (
        "MK506",
        lambda home: home.replace(
            "params.yaml", "estimators: []", "estimators: [xgboost.XGBClassifier]"
        ),
        "params.yaml",
        "estimators: [xgboost.XGBClassifier]",
        "train.search.estimators.0: xgboost.XGBClassifier needs xgboost-cpu",
    ),
    (
        "MK507",
        lambda home: home.write(
            "requirements.lock", home.read("requirements.lock") + "lightgbm==4.7.0 \\\n"
        ),
        "requirements-serving.lock",
        "",
        "requirements-serving.lock does not name lightgbm, which requirements.lock has",
    ),
    (
        "MK507",
        lambda home: home.write(
            "requirements-serving.lock",
            re.sub(
                "^pandas==[^ ]+",
                "pandas==3.0.0",
                home.read("requirements-serving.lock"),
                flags=re.M,
            ),
        ),
        "requirements-serving.lock",
        "pandas==",
        "requirements-serving.lock has pandas 3.0.0, and requirements.lock",
    ),
]


@pytest.mark.parametrize(
    ("rule", "plant", "file", "line", "message"),
    BROKEN,
    ids=[f"{rule}-{number}" for number, (rule, *_) in enumerate(BROKEN)],
)
def test_a_planted_fault_is_found_where_it_is(home, rule, plant, file, line, message):
    """The rule names file, line and fault, says what to do, and no other rule is broken."""
    plant(home)
    findings = home.check()
    assert {finding.rule for finding in findings} == {rule}
    matching = [finding for finding in findings if message in finding.message]
    assert matching, [finding.message for finding in findings]
    assert matching[0].file == file
    assert line in home.line(matching[0])
    assert matching[0].remedy


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("estimator: LogisticRegression", "estimator: LogisticRegresion", "MK305"),
        ("estimator: LogisticRegression", "estimator: Ridge", "MK305"),
        ("estimator: LogisticRegression", "estimator: lightgbm.LGBMClassifier", "MK506"),
        ("headline: macro_f1", "headline: rmse", "MK306"),
        ("split_by: null", "split_by: iland", "MK307"),
    ],
)
def test_the_parameters_of_a_second_model_are_checked(home, old, new, rule):
    """They are in a file of its own, in the sections that the code of its stages reads."""
    params = home.read("params.yaml").replace("split: random", "split: group")
    assert old in params
    params = params.replace(old, new).replace("split_by: null", "split_by: island")
    home.write("two/params.yaml", params)
    dvc = home.read("dvc.yaml")
    for stage in ("prepare", "train", "evaluate"):
        whole = re.search(rf"^  {stage}:\n(?:    .*\n|\n)+", dvc, re.MULTILINE)
        second = whole[0].replace(f"  {stage}:", f"  {stage}-two:", 1)
        dvc = dvc.replace(whole[0], whole[0] + second.replace("params.yaml", "two/params.yaml"))
    home.write("dvc.yaml", dvc)
    assert {f.rule for f in home.check() if f.file == "two/params.yaml"} == {rule}


def test_every_rule_is_seen_to_fail():
    """No rule is there that finds nothing."""
    assert {rule for rule, *_ in BROKEN} == set(RULES)


@pytest.mark.parametrize(
    ("importing", "modules", "named"),
    [
        ("import helpers", ["helpers.py"], ["helpers.py"]),
        ("from pipeline import helpers", ["pipeline/helpers.py"], ["pipeline/helpers.py"]),
        (
            "from pipeline.parts.one import VALUE",
            ["pipeline/parts/one.py", "pipeline/parts/__init__.py"],
            ["pipeline/parts/__init__.py", "pipeline/parts/one.py"],
        ),
        ("from .helpers import VALUE", ["pipeline/helpers.py"], ["pipeline/helpers.py"]),
    ],
)
def test_modules_are_followed_wherever_they_lie(home, importing, modules, named):
    """Top-level modules, subpackages and relative imports are seen."""
    helper(home, importing, *modules)
    imported = [
        finding
        for finding in home.check()
        if finding.rule == "MK201" and "stage 'train'" in finding.message
    ]
    assert [finding.message.split(" imports ")[1].split(",")[0] for finding in imported] == named


def test_a_remedy_is_right_where_the_stage_runs(home):
    """Paths are those of its directory, and those of a loop stand below `do`."""
    home.write("pipeline/count.py", "import pipeline.util\n")
    home.write("pipeline/util.py", "VALUE = 1\n")
    stages = """
  count-one:
    wdir: data
    cmd: python ../pipeline/count.py raw notes.txt
    deps: [raw]
  count:
    foreach: [a]
    do:
      cmd: python -m pipeline.count data/raw ${item}
      deps: [data/raw, .python-version, requirements.lock, pipeline/util.py]
"""
    home.replace("dvc.yaml", "\nmetrics:\n", f"{stages}\nmetrics:\n")
    assert [finding.remedy for finding in home.check()] == [
        "Add notes.txt to deps of the stage if it reads it, to outs if it writes it.",
        "Add to stages.count-one.deps: - ../pipeline/count.py",
        "Add to stages.count-one.deps: - ../.python-version",
        "Add to stages.count-one.deps: - ../requirements.lock",
        "Add to stages.count.do.deps: - pipeline/count.py",
    ]


def test_the_lock_is_the_one_that_stages_are_given(home):
    """It may have another name, and is asked for by that."""
    home.write("locks/training.txt", home.read("requirements.lock"))
    (home.root / "requirements.lock").unlink()
    text = home.read("dvc.yaml").replace("requirements.lock", "locks/training.txt")
    home.write("dvc.yaml", text)
    assert home.check() == []
    home.replace("dvc.yaml", "      - locks/training.txt\n", "")
    home.write("locks/training.txt", "numpy==2.4.6\n")
    assert [(finding.rule, finding.file) for finding in home.check()] == [
        ("MK202", "dvc.yaml"),
        ("MK501", "locks/training.txt"),
    ]


def test_parameters_of_another_file_are_added_with_it(home):
    """A key alone would be one of params.yaml."""
    home.write("more.yaml", "rate: 1\n")
    home.replace("dvc.yaml", "      - train\n", "      - train\n      - more.yaml: [rate]\n")
    assert [finding.remedy for finding in home.check() if finding.rule == "MK204"] == [
        "Add to stages.package.params: - more.yaml: [rate]"
    ]


def test_an_empty_module_counts_and_an_empty_init_does_not(home):
    """The guard of a stage, too, lets no empty file but `__init__.py` pass."""
    helper(home, "import empty\nimport parts", "empty.py", "parts/__init__.py")
    home.write("empty.py", "")
    home.write("parts/__init__.py", "")
    messages = " ".join(finding.message for finding in home.check())
    assert "stage 'train' imports empty.py" in messages
    assert "parts/__init__.py" not in messages


def test_the_address_of_the_pages_is_no_module(home):
    """A project that was generated from a host has one in `[tool.modelkeep]`."""
    home.replace(
        "pyproject.toml",
        "[tool.modelkeep]\n",
        '[tool.modelkeep]\ndocs = "https://example.org/blob/HEAD/docs"\n',
    )
    assert home.check() == []


def test_a_module_that_a_hook_names_may_be_a_dependency(home):
    """Where a metric of one's own chooses the model, train depends on it, and names it nowhere."""
    declared = "      - pipeline/train.py\n"
    home.replace("dvc.yaml", declared, declared + "      - pipeline/metrics.py\n")
    assert not home.check()


def test_a_module_behind_another_is_followed(home):
    """What an imported module imports is code of the stage too."""
    helper(home, "import helpers", "helpers.py", "deeper.py")
    home.write("helpers.py", "import deeper\n")
    messages = " ".join(finding.message for finding in home.check())
    assert "stage 'train' imports deeper.py" in messages


def test_a_module_is_followed_once_it_is_declared(home):
    """The remedy is one: after it, train is silent, and the package asks for the same file."""
    helper(home, "import helpers", "helpers.py")
    home.replace("dvc.yaml", TRAIN_DEPS, f"{TRAIN_DEPS}      - helpers.py\n")
    assert [(finding.rule, finding.message) for finding in home.check()] == [
        (
            "MK203",
            "stage 'package' packages a model that helpers.py is part of, which is no dependency "
            "of it.",
        )
    ]
    home.replace("dvc.yaml", "      - pipeline\n", "      - pipeline\n      - helpers.py\n")
    assert home.check() == []
