import sys

from apps.pi.program import main

sys.exit(main())
