"""Where to place kiosks: textbook location models, each answer with its proof."""
