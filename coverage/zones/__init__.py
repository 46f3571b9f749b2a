"""White zones drawn: exact unions of communes, or smooth ones from a surface."""
