"""Builds the wheel that is installed beside Hummingbot.

It holds this project's leaf packages and lone modules under `hummingbot/` and no `__init__.py` above them, which belong
to Hummingbot: so it installs into the same folder and uninstalls without a trace. It requires nothing, since what the
connector imports comes with Hummingbot, and Hummingbot may have been installed from source. What the connector can do
without is an extra: `fast` for signatures in C, `report` for what draws the session report.
"""
import sys
import tempfile
from pathlib import Path

from setuptools import setup

PROJECT = Path(__file__).resolve().parent
sys.path.insert(0, str(PROJECT))  # build front-ends leave it out

from workbench.home import overlay_units  # noqa: E402

units = overlay_units(PROJECT)
packages = [
    ".".join(init.parent.relative_to(PROJECT).parts)
    for unit in units if not unit.suffix for init in sorted((PROJECT / unit).rglob("__init__.py"))
]
# What an earlier build has left in the checkout would go into the wheel, so nothing is left there.
scratch = tempfile.TemporaryDirectory()

setup(
    name="vest_perpetual",
    description="Vest Markets perpetual connector for Hummingbot",
    long_description=(PROJECT / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.12,<3.13",
    packages=packages,
    py_modules=[".".join(unit.with_suffix("").parts) for unit in units if unit.suffix],
    package_data={"": ["*.pyx", "*.pxd", "*.html"]},
    extras_require={"fast": ["coincurve"], "report": ["choreographer", "plotly"]},
    entry_points={"console_scripts": [
        "vest-perpetual = hummingbot.connector.derivative.vest_perpetual.vest_perpetual_cli:main",
    ]},
    options={"build": {"build_base": scratch.name}, "egg_info": {"egg_base": scratch.name}},
)
