import runpy
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent

REQUIRES = [
    # torchaudio ends at 2.11 and refuses a newer torch, and transformers imports torchaudio.
    'torch>=2.6,<2.12',
    'torchaudio>=2.6,<2.12',
    # The releases made for these torch versions; without the bound pip tries the newer ones first.
    'torchvision>=0.21,<0.27',
    # Maintained forks, same import names: upstream needs compiled ops and stops at torch 2.5.
    # The first two are listed because the last two do not require them.
    'onedl-mmengine>=0.10.12,<0.11',
    'onedl-mmcv>=2.3.6,<2.4',
    'onedl-mmsegmentation>=1.4.2,<1.5',
    'onedl-mmpretrain>=1.3.6,<1.4',
    'transformers>=4.40',
    'numpy',
    'opencv-python',
    'pillow',
    'scipy',
    'matplotlib',
    'scikit-learn',
    'h5py',
    # torchaudio.load needs torchcodec and FFmpeg since 2.9, so wav files are read with this.
    'soundfile',
    # Frames and sound of video files, with FFmpeg inside its wheel.
    'av',
    'tqdm',
    'rich',
]

# From 9.7.2 on every build prints a notice about successors of MkDocs.
DOCS = ['mkdocs-material>=9.7,<9.7.2']

EXTRAS = {
    'tensorboard': ['tensorboard'],
    'timm': ['timm'],
    'docs': DOCS,
    # The tests build every config, those with a timm backbone too, and the documentation.
    'test': ['pytest', 'pytest-xdist', 'ruff', 'timm', *DOCS],
}

setup(
    name='mmfkd',
    version=runpy.run_path(str(ROOT / 'mmfkd' / 'version.py'))['__version__'],
    description='Cross-modal knowledge distillation for OpenMMLab',
    license='Apache-2.0',
    packages=find_packages(include=['mmfkd*']),
    python_requires='>=3.10',
    install_requires=REQUIRES,
    extras_require=EXTRAS,
)
