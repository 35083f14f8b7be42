# SPDX-License-Identifier: GPL-2.0-only
"""What the predecessors published about the same workloads: on other hardware, beside
our figures and never in a ratio with them. Only what could be looked up is here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    system: str
    workload: str
    figure: str
    source: str


STACKFS = ("Vangoor et al., FAST'17: means of the three runs in the authors' repository "
           "sbu-fsl/fuse-stackfs, Results/SSD-EXT4, SSD-FUSE-EXT4, SSD-FUSE-OPTS-EXT4")

FIGURES = (
    Published("ExtFUSE", "kernel build (tinyconfig)",
              "time over native + 5.71 %, stock FUSE about + 17 %",
              "A. Bijlani's talk at Open Source Summit 2018, as reported by Phoronix, "
              "1 September 2018"),
    Published("XFUSE", "requests through the standard interface",
              "latency in the 4 µs range, throughput above 8 GB/s",
              "Huai et al., ATC'21, abstract"),
    Published("RFUSE", "MRPL, MRPM, MRPH (Figure 11 g-i)",
              "ext4, stock FUSE and RFUSE scale alike, since the dentry cache answers",
              "Cho et al., FAST'24, claim 3 of the artifact's claims.md"),
    Published("RFUSE", "sequential reads and writes by fio (Figure 8 a, b)",
              "stock FUSE and RFUSE similar to ext4",
              "Cho et al., FAST'24, claim 1 of the artifact's claims.md"),
    *(Published("stock FUSE (StackFS)", workload,
                f"throughput over ext4's on SSD: {base}, with its options {best}", STACKFS)
      for workload, base, best in (
          ("files-cr-1th", "− 72 %", "− 89 %"), ("files-cr-32th", "− 46 %", "− 65 %"),
          ("files-del-1th", "− 39 %", "− 64 %"), ("files-del-32th", "− 46 %", "− 55 %"),
          ("files-rd-1th", "− 31 %", "− 66 %"), ("files-rd-32th", "− 75 %", "− 32 %"),
          ("mail-server", "− 63 %", "− 22 %"), ("file-server", "− 44 %", "− 7 %"),
          ("web-server", "− 71 %", "− 6 %"))),
    Published("stock FUSE (StackFS)", "45 workloads",
              "throughput from no difference to − 83 %, CPU up to + 31 %",
              "Vangoor et al., FAST'17, abstract"),
)


def section():
    rows = "\n".join(f"| {p.system} | {p.workload} | {p.figure} | {p.source} |" for p in FIGURES)
    return ("\n## Published figures of others\n\nMeasured by their authors on other hardware, "
            "kernels and settings. They stand here for orientation and are in no ratio "
            "above.\n\n| system | workload | published | source |\n|---|---|---|---|\n"
            f"{rows}\n")
