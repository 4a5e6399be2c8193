"""`python -m spread` is the daemon."""

import sys

from spread.cli.spread import main

sys.exit(main())
