"""From a params file and a parameters cell to the values of one run."""
