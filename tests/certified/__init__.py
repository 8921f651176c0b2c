"""Problems whose answers are known: certified by NIST, or published by other packages.

``tables.py`` lists the cases; ``docs/_certified.py`` writes how many digits they agree to into
``docs/certified.md``, and ``test_certified.py`` checks that what is written there is reached.
"""
