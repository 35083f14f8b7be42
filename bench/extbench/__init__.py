# SPDX-License-Identifier: GPL-2.0-only
"""Benchmarks of extfuse: what is measured (rows), in the guest and on the host."""
