"""Packs configs and tools into the wheel, and lists the extras; the rest is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
PACKED = ('configs', 'tools', 'model-index.yml')

# torchaudio ends at 2.11 and fits only the torch of its own release.
AUDIO = ['torchaudio==2.11.*', 'torch==2.11.*', 'torchvision==0.26.*']
TIMM = ['timm>=1.0']
TENSORBOARD = ['tensorboard>=2.16']
TUNE = ['optuna>=4.2']
SLURM = ['submitit>=1.5']
ONNX = ['onnx>=1.17', 'onnxscript>=0.3', 'onnxruntime>=1.20']
DEMO = ['gradio>=6']
# TIFF files of many channels or pages.
TIFF = ['tifffile>=2024.5.10']
# From 9.7.2 on every build prints a notice about successors of MkDocs.
DOCS = ['mkdocs-material>=9.7,<9.7.2', 'latex2mathml>=3.77']
# The tests build every config, those with sound or a timm backbone too, the documentation and the
# wheel.
TEST = [*AUDIO, *TIMM, *TUNE, *SLURM, *ONNX, *DEMO, *TIFF, *DOCS, 'playwright>=1.50', 'pytest>=8',
        'pytest-xdist>=3.5', 'ruff>=0.9', 'mypy>=1.13', 'setuptools>=77']
# Written out: pip resolves an extra that names others of its own package only by chance.
EXTRAS = dict(audio=AUDIO, timm=TIMM, tensorboard=TENSORBOARD, tune=TUNE, slurm=SLURM,
              onnx=ONNX, demo=DEMO, tiff=TIFF, docs=DOCS, test=TEST, all=[*TENSORBOARD, *TEST])


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


setup(cmdclass=dict(build_py=BuildWithConfigs), extras_require=EXTRAS)
