"""Making models smaller: fewer experts, fewer bits, healing by distillation. Streamed where a model may be large."""
