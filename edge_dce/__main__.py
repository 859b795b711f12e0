"""The `edge-dce` command. Imports nothing that can fail before it is needed, so that `doctor` always starts."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line on `sys.argv`; see `edge_dce.cli.main` for the exit status."""
    if sys.argv[1:2] == ["doctor"]:
        from edge_dce import doctor

        return doctor.main(sys.argv[2:])
    try:
        from edge_dce import cli
    except ImportError as error:
        reason = str(error).strip().partition("\n")[0]
        print(f"edge-dce: error: this installation is broken ({reason}); run: edge-dce doctor", file=sys.stderr)
        return 1
    return cli.main()


if __name__ == "__main__":
    sys.exit(main())
