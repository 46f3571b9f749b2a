"""Every format that records are read from or written in; ``registry`` names them all."""
