"""From a pipeline to a plan: points, order, labels, cache verdicts, memory and cost. Pure."""
