"""Makes exports of these numbers and says what is wrong in each: ``PYTHONPATH=tests python -m exports 17 [TO]``."""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from exports.draw import draw
from exports.judge import judge

first, last = int(sys.argv[1]), int(sys.argv[-1])
counts: Counter[str] = Counter()
bad = 0
for number in range(first, last + 1):
    case = draw(number)
    counts.update(kind.name.partition(":")[0] for kind in case.kinds)
    with tempfile.TemporaryDirectory() as folder:
        try:
            wrong = judge(case.export, Path(folder))
        except Exception as error:
            wrong = [f"traceback: {error!r}"[:400]]
        bad += bool(wrong)
        for each in wrong:
            print(f"{case}: {each}", flush=True)
print(f"{last - first + 1} exports, {bad} of them not as they should be; kinds: {dict(counts)}")
