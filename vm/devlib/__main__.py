# SPDX-License-Identifier: GPL-2.0-only
import sys

from devlib.cli import main

sys.exit(main(sys.argv[1:]))
