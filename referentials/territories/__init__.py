"""Communes, départements, regions and their people: who and where, through the years."""
