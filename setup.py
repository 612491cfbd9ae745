"""Packs configs and tools into the wheel; everything else stands in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
PACKED = ('configs', 'tools', 'model-index.yml')


class BuildWithConfigs(build_py):
    """Puts configs, metafiles and tools into ``mmfkd/.mim``, where OpenMMLab looks for them.

    An editable install has them beside the package, in the checkout.
    """

    def run(self) -> None:
        """Builds the package and copies what it carries."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, 'mmfkd', '.mim')
        # A build folder of an earlier version may hold files that are gone.
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in PACKED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, target / name,
                                ignore=shutil.ignore_patterns('__pycache__'))
            else:
                shutil.copy(source, target / name)


setup(cmdclass=dict(build_py=BuildWithConfigs))
