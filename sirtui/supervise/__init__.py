"""Walking a run's plan: one detached supervisor a run, one process a stage.

It knows files and processes only: no store, no recipes, no screen. It works with the database deleted.
"""
