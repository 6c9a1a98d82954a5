"""What a run is made of: the schema, its fields, and the flags that fill it."""
