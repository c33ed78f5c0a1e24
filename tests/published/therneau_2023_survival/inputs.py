"""Writes the files that make.R reads: python inputs.py FOLDER (in the environment of the kit)."""

import sys
from pathlib import Path

from lifelines import datasets

sys.path.insert(0, str(Path(__file__).parents[1] / "ibm_2018_telco"))
from telco import read_telco


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    datasets.load_rossi().to_csv(folder / "rossi.csv", index=False)
    datasets.load_lung().to_csv(folder / "lung.csv", index=False)
    datasets.load_stanford_heart_transplants().to_csv(folder / "heart.csv", index=False)
    read_telco().to_csv(folder / "telco.csv", index=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
