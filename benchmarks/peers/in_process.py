"""Call `model.predict` in a loop, without a server: `python in_process.py BODIES SECONDS`.

BODIES holds requests, one a line. Their tables are made before the clock starts. It prints what
the model predicts for each, and how long the calls took.
"""

import json
import sys
import time
from pathlib import Path
from statistics import quantiles

import pandas as pd
from model import model


def main() -> None:
    """Measure, and print the result as JSON."""
    lines = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    tables = [
        pd.DataFrame(json.loads(line)["features"], columns=model.feature_names_in_)
        for line in lines
    ]
    predictions = [model.predict(table).tolist() for table in tables]
    walls = []
    cpu, end = time.process_time(), time.perf_counter() + float(sys.argv[2])
    while len(walls) < 2 or time.perf_counter() < end:
        start = time.perf_counter()
        model.predict(tables[len(walls) % len(tables)])
        walls.append(time.perf_counter() - start)
    cpu = time.process_time() - cpu
    cuts = quantiles(walls, n=100, method="inclusive")
    print(
        json.dumps(
            {
                "predictions": predictions,
                "requests": len(walls),
                "cpu": cpu,
                "p50": cuts[49],
                "p99": cuts[98],
            }
        )
    )


if __name__ == "__main__":
    main()
