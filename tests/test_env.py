import re
import subprocess
import sys
from pathlib import Path

import pytest

from mmfkd import env

ROOT = Path(__file__).parents[1]

FORKS = {
    'python': '3.11.7',
    'torch': '2.11.0+cu130',
    'torchvision': '0.26.0+cu130',
    'torchaudio': '2.11.0',
    'transformers': '5.23.0',
    'numpy': '2.4.6',
    'opencv-python': '5.0.0.93',
    'onedl-mmengine': '0.10.12',
    'onedl-mmcv': '2.3.6',
    'onedl-mmsegmentation': '1.4.2',
    'onedl-mmpretrain': '1.3.6',
}
UPSTREAM = {
    'python': '3.10.13',
    'torch': '2.1.2',
    'torchvision': '0.16.2',
    'torchaudio': '2.1.2',
    'transformers': '4.40.0',
    'numpy': '1.26.4',
    'opencv-python': '4.11.0.86',
    'setuptools': '69.5.1',
    'mmengine': '0.10.7',
    'mmcv': '2.1.0',
    'mmsegmentation': '1.2.2',
    'mmpretrain': '1.2.0',
}


def changed(versions, changes):
    """The versions with the changes made; a change to None takes the distribution away."""
    return {name: v for name, v in {**versions, **changes}.items() if v is not None}


@pytest.mark.parametrize(
    'versions',
    [
        FORKS,
        UPSTREAM,
        changed(FORKS, {'torch': '2.6.0', 'torchvision': '0.21.0', 'torchaudio': '2.6.0'}),
        changed(FORKS, {'opencv-python': None, 'opencv-python-headless': '4.11.0.86'}),
        changed(FORKS, {'python': '3.13.0', 'setuptools': '84.0.0'}),
        # Vision and text need no torchaudio, and so no old torch.
        changed(FORKS, {'torchaudio': None, 'torch': '2.14.1+cu130', 'torchvision': '0.29.1'}),
        changed(FORKS, {'torchaudio': None, 'torch': '2.6.0', 'torchvision': '0.21.0'}),
    ],
)
def test_working_sets_have_no_findings(versions):
    assert env.judge(versions) == []


@pytest.mark.parametrize(
    ('base', 'changes', 'part', 'cure'),
    [
        (FORKS, {'python': '3.9.18'}, 'python', 'python3.11 -m venv'),
        (FORKS, {'python': '3.12.1'}, 'setuptools', "pip install 'setuptools'"),
        (FORKS, {'torch': '2.12.0', 'torchvision': '0.27.0'}, 'torchaudio',
         "pip uninstall -y torchaudio, or for sound pip install 'torchaudio==2.11.*' "
         "'torch==2.11.*'"),
        (FORKS, {'torchaudio': '2.10.0'}, 'torchaudio', "'torch==2.10.*'"),
        (FORKS, {'torchvision': '0.25.0'}, 'torchvision', "'torchvision==0.26.*'"),
        (FORKS, {'torch': None}, 'torch', "'torch>=2.6'"),
        (FORKS, {'onedl-mmcv': None}, 'mmcv', "pip install 'onedl-mmcv<2.4,>=2.3.6'"),
        (FORKS, {'numpy': None}, 'numpy', "pip install 'numpy>=2.0'"),
        (FORKS, {'opencv-python': None}, 'opencv', "pip install 'opencv-python>=4.10.0.84'"),
        (FORKS, {'transformers': '4.39.3'}, 'transformers', "'transformers>=4.40'"),
        (
            FORKS,
            {'mmsegmentation': '1.2.2'},
            'mmsegmentation',
            'pip uninstall -y onedl-mmsegmentation mmsegmentation && '
            "pip install 'onedl-mmsegmentation<1.5,>=1.4.2'",
        ),
        (
            FORKS,
            {'onedl-mmengine': None, 'mmengine': '0.10.7'},
            'mmengine',
            "pip uninstall -y mmengine && pip install 'onedl-mmengine<0.11,>=0.10.12'",
        ),
        (
            UPSTREAM,
            {'torch': '2.6.0', 'torchvision': '0.21.0', 'torchaudio': '2.6.0'},
            'torch',
            "pip install 'torch<2.6' 'torchvision<0.21' 'torchaudio<2.6'",
        ),
        (UPSTREAM, {'torch': '2.13.0'}, 'torch', "'torch<2.6'"),
        (UPSTREAM, {'torchaudio': '2.2.0'}, 'torchaudio', "'torch==2.2.*'"),
        (UPSTREAM, {'numpy': '2.0.0'}, 'numpy', "'numpy<2'"),
        (UPSTREAM, {'transformers': '5.0.0'}, 'transformers', "'transformers>=4.40,<5'"),
        (UPSTREAM, {'mmcv': '2.2.0'}, 'mmcv', "pip install 'mmcv==2.1.0'"),
        (UPSTREAM, {'mmcv': None, 'mmcv-lite': '2.1.0'}, 'mmcv', 'pip uninstall -y mmcv-lite'),
        (UPSTREAM, {'mmcv-lite': '2.1.0'}, 'mmcv', "mmcv mmcv-lite && pip install 'mmcv==2.1.0'"),
    ],
)
def test_one_fault_gives_one_finding_with_its_cure(base, changes, part, cure):
    (finding,) = env.judge(changed(base, changes))
    assert finding.part == part
    assert finding.problem
    assert cure in finding.cure


def test_nothing_installed_is_all_missing():
    assert [finding.part for finding in env.judge({'python': '3.11.7'})] == [
        part for part in env.PARTS if part not in env.OPTIONAL]


def bounds(requirement):
    """Name and bounds of a requirement; metadata has the bounds in an order of its own."""
    name = re.match(r'[\w.-]+', requirement)[0]
    return name, sorted(requirement[len(name):].split(','))


def test_torch_that_is_too_old_is_named_with_its_bound():
    old = {'torch': '2.5.1', 'torchvision': '0.20.1', 'torchaudio': '2.5.1'}
    cures = {finding.part: finding.cure for finding in env.judge(changed(FORKS, old))}
    assert cures == {'torch': "pip install 'torch>=2.6'",
                     'torchvision': "pip install 'torchvision>=0.21'"}


def test_bounds_are_those_of_the_installed_package():
    text = (ROOT / 'pyproject.toml').read_text()
    listed = text[text.index('dependencies = ['):text.index('[project.scripts]')]
    required = re.findall(r'^ +"([^";]+)', listed, re.MULTILINE)
    assert len(required) > 15
    assert sorted(map(bounds, required)) == sorted(map(bounds, env.pins().values()))
    found = env.pins()
    assert 'torchaudio' not in found


def test_every_dependency_has_a_lower_bound():
    assert not [name for name in env.pins() if env._lowest(name) == '0']


@pytest.mark.parametrize(('versions', 'code'), [(FORKS, 0), (UPSTREAM, 0), ({'python': '3.9'}, 1)])
def test_exit_code_says_whether_something_breaks(monkeypatch, capsys, versions, code):
    monkeypatch.setattr(env, 'installed_versions', lambda: versions)
    assert env.main([]) == code
    assert ('BREAKS' in capsys.readouterr().out) == bool(code)


def test_cures_are_printed(monkeypatch, capsys):
    versions = changed(FORKS, {'torchaudio': '2.10.0'})
    monkeypatch.setattr(env, 'installed_versions', lambda: versions)
    env.main([])
    printed = capsys.readouterr().out
    assert re.search(r'^torchaudio +torchaudio 2\.10\.0 +BREAKS$', printed, re.MULTILINE)
    assert re.search(r'^torch +torch 2\.11\.0\+cu130 +OK$', printed, re.MULTILINE)
    assert env.judge(versions)[0].cure in printed


def test_command_on_this_machine():
    command = [sys.executable, '-m', 'mmfkd', 'env']
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == int(bool(env.judge(env.installed_versions()))), done.stderr
    for part in ('python', *env.PARTS):
        assert re.search(rf'^{part} .*(OK|BREAKS)$', done.stdout, re.MULTILINE), part


def test_command_imports_nothing_that_may_be_broken():
    code = 'import sys, mmfkd.env as env; env.main([]); print(*sys.modules, file=sys.stderr)'
    done = subprocess.run([sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True)
    heavy = {'torch', 'torchaudio', 'transformers', 'numpy', 'cv2', 'mmengine', 'mmcv', 'mmseg'}
    assert 'mmfkd.env' in done.stderr.split()
    assert not heavy & set(done.stderr.split())
