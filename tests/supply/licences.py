"""``python -m tests.supply.licences``: every package that comes with tracer, its version and its licence.

What the packages themselves declare, for the required dependencies and theirs. The status is 1 when one declares
nothing or something that is not known to allow use in any program.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution

#: Licences that allow use in any program; weak copyleft ones, which bind changes to the package itself, included.
KNOWN = (
    "MIT", "MIT License", "BSD", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "0BSD", "Apache-2.0", "Apache 2.0",
    "Apache Software License", "Apache-2.0 WITH LLVM-exception", "PSF-2.0", "Python Software Foundation License",
    "ISC", "Zlib", "CC0-1.0", "BSL-1.0", "MPL-2.0", "EPL-2.0", "OFL-1.1", "NVIDIA Proprietary Software",
    "LicenseRef-NVIDIA-Proprietary",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Licensed:
    """One package."""

    name: str
    version: str
    licence: str  #: "" where it declares none
    why: str  #: the package that needs it

    @property
    def known(self) -> bool:
        """Whether each licence that holds is known, and of those to choose from at least one."""
        parts = re.split(r" AND |, ", self.licence)
        return all(any(one.strip("() ") in KNOWN for one in part.split(" OR ")) for part in parts)


def dependencies(root: str = "tracer-autograd") -> Iterator[Licensed]:
    """Yield the packages that ``root`` needs, directly or not, as they are installed here; extras are left out."""
    todo, seen = [(root, "")], {_plain(root)}
    for name, why in todo:  # grows while it is read
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue  # its marker did not hold on this system
        if why:
            yield Licensed(name, found.version, licence_of(found), why)
        for requirement in found.requires or ():
            needed = re.match(r"[\w.-]+", requirement)
            if needed is not None and "extra ==" not in requirement and _plain(needed[0]) not in seen:
                seen.add(_plain(needed[0]))
                todo.append((needed[0], name))


def licence_of(found: Distribution) -> str:
    """Return what a package declares: its SPDX expression, else its classifiers, else the first line of its text."""
    about = found.metadata
    classifiers = [
        line.rpartition(" :: ")[2] for line in about.get_all("Classifier") or () if line.startswith("License ::")
    ]
    text = about.get("License", "") or ""
    return about.get("License-Expression", "") or ", ".join(classifiers) or text.strip().partition("\n")[0][:80]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    """Print the list; return the exit status."""
    found = sorted(dependencies(), key=lambda one: one.name.lower())
    for one in found:
        print(f"{one.name:20}{one.version:16}{one.why:18}{one.licence or 'declares none'}")
    wrong = [one.name for one in found if not one.known]
    if wrong:
        print(f"not known to allow use in any program: {', '.join(wrong)}", file=sys.stderr)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
