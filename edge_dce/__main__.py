import sys

from edge_dce.cli import main

sys.exit(main())
