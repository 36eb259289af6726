"""What decides the bytes and the identity of a model: the library of the stages.

Everything here is a pure function of files and values. What has side effects (tags, servers,
records) is in the package `modelkeep`, which uses this one.

The public API, which follows semantic versioning; everything else may change:

- errors: `UserError`, a mistake of a person, told in one sentence; `exit_on_user_error`.
- stage: `run`, what every stage runs inside.
- schema: `Schema`, `Column`, `read_schema`: the contract of the data.
- params: `read_params`, and the sections `Prepare`, `Train`, `Evaluate`, `Package`.
- hooks: `read_hooks`: `[tool.modelkeep]` of pyproject.toml.
- tables: `files_of`, `checked_hashes`, `read`: raw files as one checked table.
- split: `choose`, `write`, `counts`: which rows train and which test.
- inputs: `model_inputs`, `inputs_from_rows`: a table as the model sees it.
- preprocessing: `Feature`, `preprocessor`: the first step of a model.
- transformers: `DateParts`, `ColumnFunction`; their names are part of the package format.
- estimators: `build`: a scikit-learn estimator by its name.
- training: `PREPROCESS`, `MODEL`, `fit`, `summary`.
- predictions: `predict`, `Predictions`.
- evaluation: `evaluate`, `Evaluation`, `one_thread`; metrics: `Metric`, `Outcome`, `METRICS`.
- plots: `drawn`, `write_plots`, `Tables`; profiles: `profile`, `write_profile`; example: `example`;
  fast_path: `proof`: what the package says of a model.
- model_file: `save`, `load`: a fitted model in one file of stable bytes.
- packaged: `open_package`, `Packaged`: a package, loaded after all checks.
- files: `sha256`, `read_json`, `write_json`, `read_yaml`, `write_text`.

A class or function here is imported from its module: `from modelkeep_core.schema import Schema`.
"""

__version__ = "0.1.0"
