"""What can somebody work out who adds and subtracts all groups that are shown? For tests of suppression."""

import numpy as np


def small_unions(cells, others, away, unseen, *, min_cell):
    """How many unions of fewer than `min_cell` customers are sums and differences of shown groups and of the total?

    By linear algebra over the smallest parts, those that are in one group of each table: every choice of parts that are few
    together is compared with the space of what is known.
    """
    parts = sorted(set(zip(cells, others, strict=True)))
    size = np.array([sum(one == pair for pair in zip(cells, others, strict=True)) for one in parts])
    known = [np.array([part[0] == name for part in parts], float) for name in sorted(set(cells) - set(away))]
    known += [np.array([part[1] == name for part in parts], float) for name in sorted(set(others) - set(unseen))]
    space, strength, _ = np.linalg.svd(np.array([*known, np.ones(len(parts))]).T, full_matrices=False)
    base = space[:, strength > 1e-9]
    few = [at for at in range(len(parts)) if size[at] < min_cell]
    found, open_ = 0, [((), 0)]
    while open_:
        chosen, total = open_.pop()
        for at in few:
            if (not chosen or at > chosen[-1]) and total + size[at] < min_cell:
                open_.append(((*chosen, at), total + size[at]))
                union = np.zeros(len(parts))
                union[list(open_[-1][0])] = 1
                found += bool(np.abs(union - base @ (base.T @ union)).max() < 1e-9)
    return found
