"""Statistics of answers: scores, scales, weights, drivers and what a point is worth."""
