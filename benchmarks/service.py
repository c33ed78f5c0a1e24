"""How fast are the tables of waits and of the way of cases, and which median of cut tickets is nearer the truth?

    python benchmarks/service.py [--quick] [--peer-python PATH]

pm4py is under the AGPL and is no part of the kit: it runs in the interpreter given, in that of $CRMKIT_PEER_PYTHON, or in
.venv-peers/, made once from PyPI. Both read the same events, ordered by case and time as pm4py needs them, and must count the
same directly-follows graph. Measured is CPU time with imports done and a small log behind it; contenders take turns, and the
median of the ratios counts.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import warnings
from pathlib import Path

PEERS = ["pm4py==2.7.23.11", "pyarrow"]
EVENTS, TICKETS, CUTS = 1_000_000, 1_000_000, 200
STEPS = ("receive", "analyse", "ask", "solve", "confirm", "escalate", "approve", "query")


def simulated_events(n):
    """Cases of about six events; the steps of a case mostly follow the process."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(0)
    case = np.sort(rng.integers(0, n // 6, n))
    begun = np.append(True, case[1:] != case[:-1])
    at = np.flatnonzero(begun)
    within = np.arange(n) - np.repeat(at, np.diff(np.append(at, n)))
    step = np.where(rng.random(n) < 0.75, np.minimum(within, 4), rng.integers(0, len(STEPS), n))
    gap = np.where(begun, 0, np.ceil(rng.lognormal(7, 1.5, n)))
    clock = np.cumsum(gap)
    start = rng.integers(0, 3600 * 24 * 365, len(at))
    second = (clock - np.repeat(clock[at], np.diff(np.append(at, n))) + np.repeat(start, np.diff(np.append(at, n)))).astype(int)
    return pd.DataFrame(
        {
            "case:concept:name": np.char.add("T", case.astype(str)),
            "concept:name": np.array(STEPS, dtype=object)[step],
            "time:timestamp": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(second, unit="s"),
            "team": np.array(["desk", "lab", "back office"], dtype=object)[rng.integers(0, 3, n)],
        }
    )


def ours(frame):
    from crmkit.models.service.flow import edges, event_log

    moment = frame["time:timestamp"].dt.tz_localize(None).to_numpy("datetime64[s]")
    found = edges(event_log(frame["case:concept:name"], moment, frame["concept:name"]))
    return {f"{row.before}>{row.after}": int(row.n) for row in found.itertuples()}


def graph_alone(frame):
    """The counts only, which is what pm4py's function gives."""
    from crmkit.models.service.flow import event_log, follows

    moment = frame["time:timestamp"].dt.tz_localize(None).to_numpy("datetime64[s]")
    found = follows(event_log(frame["case:concept:name"], moment, frame["concept:name"]))
    return {f"{row.before}>{row.after}": int(row.n) for row in found.itertuples()}


def pm4py(frame):
    import pm4py as peer

    found = peer.discover_dfg(frame)[0]
    return {f"{before}>{after}": int(n) for (before, after), n in found.items()}


CONTENDERS = {"ours": graph_alone, "edges": ours, "pm4py": pm4py}


def contend(name, path):
    import pandas as pd

    warnings.simplefilter("ignore")
    frame = pd.read_parquet(path)
    CONTENDERS[name](frame.head(1000).copy())
    start = time.process_time()
    found = CONTENDERS[name](frame)
    print(json.dumps({"cpu": time.process_time() - start, "graph": found}))


def timed(call):
    start = time.process_time()
    call()
    return time.process_time() - start


def process_tables(frame):
    """Everything that the notebook takes from events: edges, steps, hand-offs, ways, conformance."""
    from crmkit.models.service import flow

    moment = frame["time:timestamp"].dt.tz_localize(None).to_numpy("datetime64[s]")
    place = frame["concept:name"].map({"receive": 1, "analyse": 2, "solve": 3, "confirm": 4})
    log = flow.event_log(frame["case:concept:name"], moment, frame["concept:name"], place=place, team=frame["team"])
    flow.edges(log), flow.steps_table(log), flow.handoffs(log), flow.variants(log), flow.conformance(log, 4)


def ticket_cells(n):
    """Waits of all cells of channel x team x priority x kind, in minutes, with medians, ninth deciles, shares and intervals."""
    import numpy as np

    from crmkit.models.service.waits import cell_waits

    rng = np.random.default_rng(1)
    wait, seen = np.floor(rng.lognormal(6, 1.3, n)), rng.integers(0, 260_000, n)
    parts = [rng.integers(0, many, n) for many in (5, 8, 4, 3)]
    cell = ((parts[0] * 8 + parts[1]) * 4 + parts[2]) * 3 + parts[3]
    return lambda: cell_waits(np.minimum(wait, seen), wait <= seen, cell, cells=480, target=480.0)


def cut_tickets(seed):
    """Tickets of ten weeks before a cut, and what became of them: is Kaplan-Meier nearer the later median than closed-only?

    Durations are a mixture of two log-normals, longer in the season; a tenth of tickets that look solved are reopened later.
    """
    import numpy as np

    from crmkit.models.service.waits import cell_waits

    rng = np.random.default_rng(seed)
    n, days = int(rng.integers(300, 3000)), 70.0
    season = 1 + 0.4 * np.sin(2 * np.pi * (np.arange(71) + rng.integers(0, 365)) / 365)
    opened = rng.choice(71, n, p=season / season.sum()) + rng.random(n)
    hard = rng.random(n) < rng.uniform(0.2, 0.5)
    first = rng.lognormal(np.where(hard, 3.2, 1.5), np.where(hard, 0.8, 1.0)) * season[np.floor(opened).astype(int)]
    again = rng.random(n) < 0.1
    later = first + rng.lognormal(1.5, 1.0, n) + rng.lognormal(1.8, 1.0, n)
    wait = np.where(again, later, first)
    left = days + 1 - opened
    # on the day of the cut a ticket that will be reopened looks solved
    looks = np.where(again & (first <= left), first, wait)
    found = cell_waits(np.minimum(looks, left), looks <= left).iloc[0]
    truth = float(np.median(wait))
    kept = found["median"] if found["median"] == found["median"] else float("inf")
    return abs(kept - truth) < abs(found["ended_median"] - truth)


def main():
    sys.path.insert(0, str(Path(__file__).parent))
    from _bench import Bar, finish, median_ratio, peer_python, run

    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--quick", action="store_true", help="fewer events, tickets and cuts")
    asked.add_argument("--peer-python")
    asked.add_argument("--contend", nargs=2, metavar=("NAME", "PATH"))
    given = asked.parse_args()
    if given.contend:
        contend(*given.contend)
        return
    scale = 10 if given.quick else 1
    frame = simulated_events(EVENTS // scale)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.parquet"
        frame.to_parquet(path)
        peer = peer_python(given.peer_python, PEERS)
        took = {"ours": [], "pm4py": [], "edges": []}
        graphs = {}
        for _ in range(3 if given.quick else 5):
            for name, python in (("ours", sys.executable), ("pm4py", peer), ("edges", sys.executable)):
                found = run(python, Path(__file__), "--contend", name, path)
                took[name].append(found["cpu"])
                graphs[name] = found["graph"]
    if not graphs["ours"] == graphs["pm4py"] == graphs["edges"]:
        raise SystemExit("the directly-follows graphs differ")
    print(
        f"{len(frame):,} events, {len(graphs['ours'])} edges; CPU s: " + ", ".join(f"{k} {min(v):.2f}" for k, v in took.items())
    )
    process_tables(frame.head(1000))
    whole = min(timed(lambda: process_tables(frame)) for _ in range(3))
    cells = ticket_cells(TICKETS // scale)
    waits = min(timed(cells) for _ in range(3))
    nearer = [cut_tickets(seed) for seed in range(CUTS // scale)]
    finish(
        [
            Bar("process tables of 1 M events, CPU s", whole, 5 / scale, least=False),
            Bar("directly-follows graph, pm4py's time over ours", median_ratio(took["pm4py"], took["ours"]), 5),
            Bar("waits of 480 cells, 1 M tickets, CPU s", waits, 5 / scale, least=False),
            Bar("cuts in which Kaplan-Meier is nearer, share", sum(nearer) / len(nearer), 0.95),
        ]
    )


if __name__ == "__main__":
    main()
