"""How records come in and go out: harvests, crawled data, files, referentials."""
