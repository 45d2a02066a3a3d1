"""`python -m reverie`."""

import sys

from reverie.apps.cli.main import main

sys.exit(main())
