import sys

from edge_dce.doctor import main

sys.exit(main())
