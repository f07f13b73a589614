"""`python -m telpher.cli` is `telpher`."""

import sys

from telpher.cli import main

sys.exit(main())
