"""The only wiring: reads flags, environment and files, picks the concrete classes and hands them to each other."""
