"""Who asks: tokens that say so, and who gives them out."""
