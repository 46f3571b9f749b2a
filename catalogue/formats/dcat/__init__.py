"""DCAT-AP and GeoDCAT-AP in RDF."""
