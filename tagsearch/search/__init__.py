"""The search: trials of a study on Ray Tune. The only package that imports ray.

A run is planned from what is on disk, never from Ray's own state: the trial folders say what was proposed and what has
ended, the rung log says what ASHA has seen. So a run that was killed goes on as if it had never stopped, and nothing
here is ever unpickled.
"""
