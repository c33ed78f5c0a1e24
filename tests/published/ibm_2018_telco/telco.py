"""The Telco customers as a table, from the codes in telco.csv; and how that file was made: python telco.py CSV."""

import sys
from pathlib import Path

import pandas as pd

FOLDER = Path(__file__).parent
THREE = ["No", "Yes", "No internet service"]
LEVELS = {
    "churn": ["No", "Yes"],
    "female": [0, 1],
    "senior_citizen": [0, 1],
    "partner": [0, 1],
    "dependents": [0, 1],
    "phone_service": [0, 1],
    "multiple_lines": ["No", "Yes", "No phone service"],
    "internet_service": ["DSL", "Fiber optic", "No"],
    "online_security": THREE,
    "online_backup": THREE,
    "device_protection": THREE,
    "tech_support": THREE,
    "streaming_tv": THREE,
    "streaming_movies": THREE,
    "contract": ["Month-to-month", "One year", "Two year"],
    "paperless_billing": [0, 1],
    "payment_method": ["Bank transfer (automatic)", "Credit card (automatic)", "Electronic check", "Mailed check"],
}
NUMBERS = ["tenure", "monthly_charges", "total_charges"]


def read_telco() -> pd.DataFrame:
    coded = pd.read_csv(FOLDER / "telco.csv", dtype={"codes": str})
    table = {
        name: coded["codes"].str[k].astype(int).map(dict(enumerate(levels))) for k, (name, levels) in enumerate(LEVELS.items())
    }
    return pd.DataFrame(table | {name: coded[name] for name in NUMBERS})


def write_telco(source: str) -> None:
    full = pd.read_csv(source)
    codes = pd.Series("", index=full.index)
    for name, levels in LEVELS.items():
        codes = codes + full[name].map({level: str(k) for k, level in enumerate(levels)})
    table = pd.DataFrame({"codes": codes} | {name: full[name] for name in NUMBERS})
    table.sort_values(list(table.columns), kind="stable").to_csv(FOLDER / "telco.csv", index=False)


if __name__ == "__main__":
    write_telco(sys.argv[1])
