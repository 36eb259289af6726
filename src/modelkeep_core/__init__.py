"""What decides the bytes and the identity of a model: the library of the stages.

Everything here is a pure function of files and values. What has side effects (tags, servers,
records) is in the package `modelkeep`, which uses this one.

The public API, which follows semantic versioning (the same list is in docs/reference/stages.md);
everything else may change:

- stage: `run`: what every stage runs inside.
- errors: `UserError`, `exit_on_user_error`, `suggestion`: a mistake of a person, told in one
  sentence.
- params: `read_params`, `Prepare`, `Train`, `Evaluate`, `Package`: the sections of params.yaml,
  checked.
- schema: `read_schema`, `Schema`, `Column`: the contract of the data.
- hooks: `read_hooks`: `[tool.modelkeep]` of pyproject.toml.
- tables: `files_of`, `scan`, `read`: raw files as one table.
- checking: `checked_table`, `CheckedTable`: the same after all checks, read once.
- split: `choose`, `write`, `counts`, `described`: which rows train and which test.
- inputs: `model_inputs`, `inputs_from_rows`: a table as the model sees it: the features in order,
  each of a settled type.
- preprocessing: `preprocessor`, `Feature`: the first step of a model.
- transformers: `DateParts`, `ColumnFunction`: steps whose names are part of the package format.
- estimators: `build`: an estimator by its name.
- scoring: `read_prepared`, `Prepared`: where the training rows are, and how they were split.
- disk_rows: `training_rows`, `few_or_on_disk`, `parts`, `DiskRows`: the training rows, in memory
  or left on disk.
- training: `PREPROCESS`, `MODEL`, `fit`, `fit_external`, `Fitted`, `summary`, `write_trials`,
  `reported`: a model, fitted the same way on every machine.
- predictions: `predict`, `Predictions`: classes with probabilities, or numbers.
- evaluation: `evaluate`, `Evaluation`, `one_thread`: scores with intervals, by group, beside a
  baseline.
- metrics: `METRICS`, `Metric`, `ScoredRows`: what a score is.
- own_metrics: `own_metrics`, `check_headline`: metrics of a project's own, and a headline checked
  before training.
- intervals: `coverage_metric`: how many intervals around predictions hold the truth.
- findings: `findings`: what is to be said of a model that was evaluated.
- plots: `drawn`, `write_plots`, `Tables`: rows of plots.
- profiles: `profile`, `write_profile`: what the data of a model look like.
- example: `example`: rows with their predictions.
- fast_path: `proof`: that single rows may be predicted without pandas.
- model_file: `save`, `load`: a fitted model in one file of stable bytes.
- packaged: `open_package`, `Packaged`: a package, loaded after all checks.
- files: `sha256`, `read_json`, `write_json`, `read_yaml`, `write_text`, `Section`: files with
  stable bytes.

A class or function here is imported from its module: `from modelkeep_core.schema import Schema`.
"""

__version__ = "0.1.0"
