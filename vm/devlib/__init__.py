# SPDX-License-Identifier: GPL-2.0-only
"""What ./dev, vm/run, vm/mkroot and vm/mkdata are made of."""
