"""The sample hospital: one population seen through systems that disagree, deterministic by seed, of any size, with the truth beside it.

    for delivery in generate(1000, seed=7, today="2026-06-30", out=Path("truth")): ...
    write(Path("hospital"), 1000)

Everything clinical is read from `tables/`, where each row cites its source. `site/` is the hospital's own overlay: sources, code maps,
units, staff, costs. See docs/reference/sample-hospital.md.
"""

from trivet.testing.hospital.delivery import Delivery
from trivet.testing.hospital.generate import generate
from trivet.testing.hospital.write import write

__all__ = ["Delivery", "generate", "write"]
