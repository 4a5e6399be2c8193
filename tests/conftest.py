"""Settings of all tests: the same examples in every run, fresh ones when asked for.

`HYPOTHESIS_PROFILE=fresh` looks for new examples; what it finds is printed with the line that
repeats it.
"""

import os

from hypothesis import settings

settings.register_profile("fixed", derandomize=True)
settings.register_profile("fresh", print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))
