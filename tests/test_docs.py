"""The pages build, what they name is there, and their code does what they say."""

import importlib.util
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from mmengine.config import Config
from runs import ROOT
from test_configs import CONFIGS
from test_readme import python_blocks
from torch import nn
from torch.nn import functional as F

from mmfkd.config import compose, composed_name, load_config, methods, networks
from mmfkd.models import losses
from mmfkd.registry import MODELS

# Pages of docs/results are written by commands, with the paths of their own runs.
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
RESULTS = [ROOT / 'docs/results.md', *sorted((ROOT / 'docs/results').rglob('*.md'))]
METAFILES = sorted((ROOT / 'configs').glob('*/metafile.yml'))


def test_site_builds_without_a_warning(tmp_path):
    assert importlib.util.find_spec('material'), 'no mkdocs-material: pip install -e .[docs]'
    # With --quiet, --strict would count no warnings.
    done = subprocess.run([sys.executable, '-m', 'mkdocs', 'build', '--strict', '--site-dir',
                           str(tmp_path / 'site')], cwd=ROOT, check=False, capture_output=True,
                          text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0 and 'Documentation built' in said, said
    for page in [*PAGES[1:], *RESULTS]:
        folder = page.relative_to(ROOT / 'docs').with_suffix('')
        folder = '' if folder.name == 'index' else folder
        assert (tmp_path / 'site' / folder / 'index.html').is_file(), page
    # Formulas need neither network nor script.
    methods_page = (tmp_path / 'site/methods/index.html').read_text()
    assert methods_page.count('<math') > 40 and 'arithmatex' not in methods_page
    assert not re.findall(r'src="https?://', methods_page)


def test_every_page_is_in_the_navigation(tmp_path):
    text = (ROOT / 'mkdocs.yml').read_text()
    nav = set(re.findall(r'[\w/]+\.md', text[text.index('\nnav:'):]))
    assert nav == {page.name for page in PAGES[1:]}
    # What is put into docs/results joins it by itself.
    spec = importlib.util.spec_from_file_location('hooks', ROOT / 'docs/hooks.py')
    hook = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hook)
    (tmp_path / 'results/table').mkdir(parents=True)
    (tmp_path / 'results/table/report.md').touch()

    class Site:
        docs_dir = str(tmp_path)
        nav = [dict(Home='index.md'), dict(Results=[dict(Results='results.md')])]

    hook.on_config(Site)
    assert Site.nav[1]['Results'][1:] == ['results/table/report.md']


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    broken = []
    for target in re.findall(r'\]\(([^)\s]+)\)', page.read_text()):
        if re.match(r'https?:', target):
            continue
        path, _, anchor = target.partition('#')
        file = page.parent / path if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append(target)
    assert not broken


def anchors(page: Path) -> set[str]:
    """Anchors of the headings of a page, as MkDocs and GitHub make them of ours."""
    headings = re.findall(r'^#+ (.+)$', page.read_text(), flags=re.MULTILINE)
    words = [re.sub(r'[^\w\s-]', '', heading).strip().lower() for heading in headings]
    return {re.sub(r'[-\s]+', '-', heading) for heading in words}


def named_paths(text: str) -> set[str]:
    """Paths of the repository in a page; one of several alternatives stands for each.

    Names with a placeholder, and files that readers are to write, are left out.
    """
    found = re.findall(
        r'(?<![\w./-])((?:benchmarks|configs|docs|mmfkd|tests|tools)/[^\s`\'"()\[\]|;:]*[\w*}])',
        text)
    plain = [path for path in found if not re.search(r'[$<>]|\.\.\.|mine', path)]
    return {one for path in plain for one in alternatives(path)}


def alternatives(path: str) -> list[str]:
    """``a_{b,c}`` as ``a_b`` and ``a_c``."""
    match = re.search(r'\{([^}]*)\}', path)
    if match is None:
        return [path]
    return [one for choice in match[1].split(',')
            for one in alternatives(path[:match.start()] + choice + path[match.end():])]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_every_path_that_is_named_exists(page):
    assert not [path for path in named_paths(page.read_text())
                if not list(ROOT.glob(path)) and not composes(path)]


def composes(path: str) -> bool:
    """Whether a path names a method, with or without a preset, on a pair that it runs on."""
    named = composed_name(path)
    try:
        return named is not None and bool(compose(*named))
    except ValueError:
        return False


def test_paths_are_found_in_pages():
    # A pattern that matches nothing would pass the test above.
    text = ('`configs/{kd,fdkd}/a_b.py` tools/x.py, `configs/_base_/*/c-d.py`. docs/a.md#b '
            'configs/$m.py configs/<m>/a.py tools/analysis')
    assert named_paths(text) == {'configs/kd/a_b.py', 'configs/fdkd/a_b.py', 'tools/x.py',
                                 'configs/_base_/*/c-d.py', 'docs/a.md#b', 'tools/analysis'}
    assert sum(len(named_paths(page.read_text())) for page in PAGES) > 100


def test_every_option_of_a_command_in_a_page_exists():
    modules = {'tools': 'mmfkd/cli', 'tools/analysis': 'mmfkd/cli/analyze',
               'benchmarks': 'benchmarks'}
    sources = {f'{folder}/{path.name}': path.read_text() for folder, module in modules.items()
               for path in (ROOT / module).glob('*.py')}
    shared = ''.join((ROOT / f'mmfkd/cli/{name}.py').read_text()
                     for name in ('options', 'analyze/options')) + "'--help'"
    checked, unknown = 0, []
    for page in PAGES:
        text = page.read_text().replace('\\\n', ' ')
        for tool, rest in re.findall(
                r'python ((?:tools|benchmarks)/(?!prepare)[\w/]+\.py)([^`\n#;|]*)', text):
            for option in re.findall(r'(?<=\s)\[?(--[\w-]+)', rest):
                checked += 1
                if tool == 'tools/predict.py' and option in ('--rgb', '--ir'):
                    continue  # the name of a modality
                if f"'{option}'" not in sources[tool] + shared:
                    unknown.append(f'{page.name}: {tool} {option}')
    assert checked > 50
    assert not unknown


def test_every_method_has_a_section_with_its_command():
    text = (ROOT / 'docs/methods.md').read_text()
    folders = {path.split('/')[1] for path in CONFIGS} - {'unimodal', 'mixin'}
    assert folders <= {*methods(), *networks()}
    sections = dict(re.findall(r'^## (\w+)\n(.*?)(?=^## |\Z)', text, flags=re.M | re.S))
    for method in {*methods(), *networks()}:
        assert f'python tools/train.py configs/{method}/' in sections[method]
        assert f'| `{method}` |' in (ROOT / 'README.md').read_text()


def test_every_loss_is_in_the_page_of_the_methods():
    text = (ROOT / 'docs/methods.md').read_text()
    registered = {name for name, part in vars(losses).items() if inspect.isclass(part)
                  and issubclass(part, nn.Module) and MODELS.get(name) is part}
    assert {'KDLoss', 'PixelContrastLoss', 'MulticlassDiceLoss'} < registered
    assert not [name for name in registered if f'`{name}`' not in text]


def test_defaults_in_the_page_of_the_methods_are_those_of_the_configs():
    text = (ROOT / 'docs/methods.md').read_text()
    sections = dict(re.findall(r'^## (\w+)\n(.*?)(?=^## |\Z)', text, flags=re.M | re.S))
    checked = 0
    for method in methods():
        cfg = compose('avdigits_visual2audio', method)
        loss = next(iter(cfg.model.losses.values()))
        arguments = inspect.signature(MODELS.get(loss.type)).parameters
        said = re.search(r'\*\*Defaults\.\*\*(.*?)(?=\n\n)', sections[method], flags=re.S)[1]
        for name, value in re.findall(r'`(\w+)=([^`]+)`', said.split(';')[0]):
            actual = loss.get(name, getattr(arguments.get(name), 'default', 'unknown'))
            if (name, value) != ('weight', '1e-5'):  # of segmentation
                assert actual == eval(value), f'{method}: {name}'
                checked += 1
    assert checked > 25


@pytest.fixture
def own_losses(tmp_path, monkeypatch):
    """The loss classes of docs/own_loss.md, imported as a reader's module."""
    text = (ROOT / 'docs/own_loss.md').read_text()
    code = re.findall(r'```python\n# my_losses\.py\n(.*?)```', text, flags=re.S)
    assert len(code) == 3
    (tmp_path / 'my_losses.py').write_text('\n'.join(code))
    config = tmp_path / 'configs/mine/synthetic_depth2rgb.py'
    config.parent.mkdir(parents=True)
    (tmp_path / 'configs/_base_').symlink_to(ROOT / 'configs/_base_')
    (tmp_path / 'configs/unimodal').symlink_to(ROOT / 'configs/unimodal')
    config.write_text(python_blocks(text)['configs/mine/synthetic_depth2rgb.py'])
    monkeypatch.syspath_prepend(str(tmp_path))
    yield Config.fromfile(config)
    for name in ('CosineLoss', 'TrustedKDLoss', 'AttentionTransferLoss'):
        MODELS.module_dict.pop(name, None)
    sys.modules.pop('my_losses', None)


def test_own_loss_is_registered_and_computes_what_it_says(own_losses):
    cosine = MODELS.build(own_losses.model.losses.loss_cosine)
    assert cosine.inputs == dict(student='student.feat', teacher='teacher.feat')
    student, teacher = torch.tensor([[1., 0.], [0., 2.]]), torch.tensor([[1., 1.], [0., 1.]])
    # Cosines 1 / sqrt(2) and 1, at the config's weight of 2.
    expected = 2 * (1 - (0.5 ** 0.5 + 1) / 2)
    assert cosine(student, teacher)['cosine'].item() == pytest.approx(expected)

    trusted = MODELS.build(dict(type='TrustedKDLoss', student='s.logits', teacher='t.logits'))
    logits = torch.tensor([[2., 0.], [0., 0.]])
    # The teacher is right in the first row alone.
    value = trusted(logits, torch.tensor([[1., 0.], [1., 0.]]), gt=torch.tensor([0, 1]))['ce']
    target = torch.tensor([1., 0.]).softmax(0)
    assert value.item() == pytest.approx(F.cross_entropy(logits[:1], target[None]).item())
    assert trusted(logits, logits, gt=torch.tensor([255, 255]))['ce'] == 0

    attention = MODELS.build(dict(type='AttentionTransferLoss', student=['s.a'], teacher=['t.a']))
    maps = torch.zeros(1, 3, 1, 2), torch.zeros(1, 5, 1, 2)
    maps[0][0, 0, 0, 0] = maps[1][0, 2, 0, 1] = 1  # orthogonal unit vectors: 2 apart
    assert attention([maps[0]], [maps[1]])['attention'].item() == pytest.approx(2)


def test_adapter_of_the_page_of_the_own_loss_fits(own_losses):
    text = (ROOT / 'docs/own_loss.md').read_text()
    adapter = eval(re.search(r'adapter=(dict\(type=\'Linear\'.*?\))', text)[1])
    loss = MODELS.build(dict(own_losses.model.losses.loss_cosine, adapter=adapter))
    assert loss(torch.rand(2, 768), torch.rand(2, 1280))['cosine'].requires_grad
    bare = MODELS.build(own_losses.model.losses.loss_cosine)
    with pytest.raises(ValueError, match='adapter=dict'):
        bare(torch.rand(2, 768), torch.rand(2, 1280))


def test_index_imports_every_metafile():
    imported = yaml.safe_load((ROOT / 'model-index.yml').read_text())['Import']
    assert len(imported) == len(set(imported))
    assert set(imported) == {path.relative_to(ROOT).as_posix() for path in METAFILES}
    assert len(METAFILES) >= 7


@pytest.mark.parametrize('path', METAFILES, ids=lambda path: path.parent.name)
def test_metafile_names_configs_and_results_that_are_there(path):
    content = yaml.safe_load(path.read_text())
    collections = {one['Name'] for one in content['Collections']}
    page = ROOT / content['Collections'][0]['README'].partition('#')[0]
    assert page.is_file()
    # A mean is followed by its deviation.
    means = set(re.findall(r'(?<![\d.+-])(\d+\.\d+) ±', ''.join(p.read_text() for p in RESULTS)))
    names = [model['Name'] for model in content['Models']]
    assert len(names) == len(set(names)) > 0
    for model in content['Models']:
        assert model['In Collection'] in collections
        assert Path(model['Config']).parts[1].partition('-')[0] == path.parent.name
        cfg = load_config(ROOT / model['Config'])
        said = model['Metadata']
        assert said['Epochs'] == cfg.train_cfg.max_epochs
        assert said['Batch Size'] == cfg.train_dataloader.batch_size
        assert len(said['Seeds']) >= 3
        for result in model['Results']:
            assert result['Task'] and result['Dataset']
            for value in result['Metrics'].values():
                assert str(value) in means, f'{model["Name"]}: {value} is in no table'
