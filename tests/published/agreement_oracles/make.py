"""Asks other packages for agreement, intraclass correlation and kappa; run in an environment of its own.

krippendorff 0.9.0, pingouin 0.7.0, statsmodels 0.15.0, numpy 2: python make.py
"""

from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
import pingouin
from statsmodels.stats.inter_rater import cohens_kappa
from tables import TABLES, pairs, ratings, targets

HERE = Path(__file__).parent
LEVELS = ("nominal", "ordinal", "interval", "ratio")


def main() -> None:
    alpha = [[krippendorff.alpha(ratings(seed), level_of_measurement=level) for level in LEVELS] for seed in range(TABLES)]
    pd.DataFrame(alpha, columns=LEVELS).to_csv(HERE / "alpha.csv", index_label="seed", float_format="%.12g")
    icc = []
    for seed in range(TABLES):
        table = targets(seed)
        long = pd.DataFrame(table).stack(future_stack=True).rename_axis(["t", "r"]).reset_index(name="y")
        found = pingouin.intraclass_corr(long, targets="t", raters="r", ratings="y", nan_policy="omit")
        limits = np.array(found["CI95"].to_list() if "CI95" in found else found["CI95%"].to_list())
        icc.append(np.r_[found["ICC"], found["F"], limits[:, 0], limits[:, 1]])
    names = [f"{what}{form}" for what in ("value", "f", "low", "high") for form in range(6)]
    pd.DataFrame(icc, columns=names).to_csv(HERE / "icc.csv", index_label="seed", float_format="%.12g")
    kappa = []
    for seed in range(TABLES):
        table = pairs(seed)
        found = [cohens_kappa(table), cohens_kappa(table, wt="linear"), cohens_kappa(table, wt="quadratic")]
        kappa.append([number for one in found for number in (one.kappa, one.std_kappa)])
    names = [f"{what}_{weights}" for weights in ("none", "linear", "quadratic") for what in ("value", "se")]
    pd.DataFrame(kappa, columns=names).to_csv(HERE / "kappa.csv", index_label="seed", float_format="%.12g")


if __name__ == "__main__":
    main()
