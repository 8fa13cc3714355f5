"""Which packages the distribution has; everything else about it stands in pyproject.toml."""

from setuptools import find_packages, setup

library = find_packages(include=["vtw_core", "vtw_core.*"])
# A package called "app" would clash with others once it is installed.
page = [f"vtw_{name}" for name in find_packages(include=["app", "app.*"])]

setup(
    packages=[*library, *page, "vtw_core.assets", "vtw_core.docs"],
    package_dir={"vtw_app": "app", "vtw_core.assets": "assets", "vtw_core.docs": "docs"},
)
