"""Runs that are there count for a table only if they were trained with its options."""

import json

import pytest
from mmengine.config import Config

from mmfkd.benchmark import Cell, Row, Workers
from mmfkd.benchmark.grid import config_of
from mmfkd.benchmark.networks import ROWS, NetworkCell, NetworkPair
from mmfkd.benchmark.settings import check_settings
from mmfkd.cli.benchmark import main
from mmfkd.config import merge_options, parse_value
from mmfkd.tuning.space import Dimension, space_of
from mmfkd.tuning.study import Search, open_study

PAIR = 'avdigits_visual2audio'
ROW = Row('kd-hot', 'kd', {'model.losses.loss_kd.temperature': 8.0})


@pytest.fixture
def cell(tmp_path):
    return Cell(ROW, PAIR, 3, tmp_path)


def ended(cell, options, **more):
    cell.work_dir.mkdir(parents=True, exist_ok=True)
    (cell.work_dir / 'summary.json').write_text(json.dumps(dict(
        val=1.0, test={'accuracy/top1': 1.0}, options=options, **more)))


@pytest.mark.parametrize('options', [{}, {'train_cfg.max_epochs': 3, 'visualizer': None}])
def test_the_same_options_are_the_same_wherever_the_folder_is(cell, options):
    check_settings([cell], options, amp=False)  # not trained yet
    moved = Cell(ROW, PAIR, 3, cell.root / 'elsewhere')
    ended(cell, {**moved.own(), 'randomness.seed': 3, **options, **cell.changes()}, amp=False)
    check_settings([cell], options, amp=False)


@pytest.mark.parametrize(('trained', 'amp', 'message'), [
    ({}, False, 'was trained with model.losses.loss_kd.temperature=8.0, and this table has '
                'model.losses.loss_kd.temperature=2.0 train_cfg.max_epochs=3'),
    ({'train_cfg.max_epochs': 3, 'model.losses.loss_kd.temperature': 2.0}, True,
     'was trained with --amp, and this table has none of these'),
    ({'train_cfg.max_epochs': 3, 'model.losses.loss_kd.temperature': 2.0, 'other': (1, 2)}, False,
     r'was trained with other=\[1, 2\], and this table has none of these')])
def test_a_run_of_other_options_is_refused(cell, trained, amp, message):
    ended(cell, {**cell.own(), **cell.changes(), **trained}, amp=amp)
    wanted = Cell(Row('kd-hot', 'kd', {'model.losses.loss_kd.temperature': 2.0}), PAIR, 3,
                  cell.root)
    with pytest.raises(ValueError, match=message):
        check_settings([wanted], {'train_cfg.max_epochs': 3}, amp=False)


def test_a_weight_that_the_table_gives_to_all_counts(cell):
    key = 'model.teachers.teacher.checkpoint'
    ended(cell, {**cell.own(), **cell.changes()}, amp=False)
    with pytest.raises(ValueError, match='and this table has .*checkpoint=mine.pth'):
        check_settings([cell], {key: 'mine.pth'}, amp=False)


def test_a_run_of_a_config_that_was_changed_since_is_refused(cell):
    ended(cell, {**cell.own(), **cell.changes()}, amp=False)
    trained = Config(cell.config.to_dict())
    merge_options(trained, {**cell.own(), **cell.changes()})
    trained.dump(cell.work_dir / 'config.py')
    check_settings([cell], {}, amp=False)
    trained.optim_wrapper.optimizer.lr = 0.5
    trained.dump(cell.work_dir / 'config.py')
    with pytest.raises(ValueError, match=r'with optim_wrapper\.optimizer\.lr=0\.5, and now .*: its '
                                         'config has been changed'):
        check_settings([cell], {}, amp=False)


@pytest.mark.parametrize(('key', 'value'), [
    ('default_hooks.checkpoint.save_best', 'accuracy/top5'), ('load_from', 'other.pth'),
    ('val_evaluator.metric.topk', (1, 5)), ('test_evaluator.metric.topk', (1, 5)),
    ('default_hooks.early_stopping', dict(type='EarlyStoppingHook', monitor='accuracy/top1'))])
def test_a_run_that_was_scored_otherwise_is_refused(cell, key, value):
    ended(cell, {**cell.own(), **cell.changes()}, amp=False)
    trained = Config(cell.config.to_dict())
    merge_options(trained, {**cell.own(), **cell.changes()})
    trained.merge_from_dict({key: value})
    trained.dump(cell.work_dir / 'config.py')
    with pytest.raises(ValueError, match='its config has been changed since'):
        check_settings([cell], {}, amp=False)


def test_what_a_resumed_run_started_from_is_not_known(cell):
    ended(cell, {**cell.own(), **cell.changes()}, amp=False)
    trained = Config(cell.config.to_dict())
    merge_options(trained, {**cell.own(), **cell.changes()})
    trained.load_from, trained.resume = str(cell.work_dir / 'epoch_1.pth'), True
    trained.dump(cell.work_dir / 'config.py')
    check_settings([cell], {}, amp=False)


def test_networks_are_compared_too(tmp_path):
    cell = NetworkCell(ROWS['csknet-no-gate'], NetworkPair.parse('streets_rgb-ir'), 0, tmp_path)
    ended(cell, {**cell.own(), **cell.changes()}, amp=False)
    check_settings([cell], {}, amp=False)
    with pytest.raises(ValueError, match='and this table has train_cfg.max_epochs=1'):
        check_settings([cell], {'train_cfg.max_epochs': 1}, amp=False)


def test_a_run_that_did_not_say_its_options_counts(cell):
    cell.work_dir.mkdir(parents=True)
    (cell.work_dir / 'summary.json').write_text('{"val": 1, "test": {"accuracy/top1": 1}}')
    check_settings([cell], {'train_cfg.max_epochs': 3}, amp=True)


def test_the_command_refuses_other_options(tmp_path):
    cell = Cell(Row('kd', 'kd'), PAIR, 0, tmp_path)
    ended(cell, {**cell.own(), 'train_cfg.max_epochs': 3}, amp=False)
    with pytest.raises(SystemExit, match='give the same options, another --root, or remove'):
        main(['--pairs', PAIR, '--methods', 'kd', '--seeds', '0', '--root', str(tmp_path),
              '--collect'])


@pytest.mark.parametrize('options', [
    {'randomness.seed': 7}, {'+randomness.seed': 7}, {'randomness': {'seed': 7}},
    {'+randomness': {'seed': 7}}, {'randomness': None}])
def test_a_seed_of_all_rows_is_refused(options):
    with pytest.raises(ValueError, match='all rows would have this seed; give --seeds'):
        Workers(options)


def test_other_randomness_keeps_the_seed_of_each_cell(cell, tmp_path):
    workers = Workers({'randomness': {'deterministic': True}})
    network = NetworkCell(ROWS['cen'], NetworkPair.parse('streets_rgb-ir'), 3, tmp_path)
    for one in (cell, network):
        command = one.command(workers.options, amp=False)
        options = dict(text.split('=', 1) for text in command[command.index('--cfg-options') + 1:])
        cfg = Config(one.config.to_dict())
        merge_options(cfg, {key: parse_value(value) for key, value in options.items()})
        assert cfg.randomness == dict(seed=3, deterministic=True)


def test_shares_of_labels_are_not_tuned(tmp_path):
    with pytest.raises(SystemExit, match='--tuned with --labels: give one share at a time'):
        main(['--pairs', PAIR, '--tuned', '2', '--labels', '0.1', '--root', str(tmp_path)])


def test_a_search_goes_on_with_its_own_options_alone(tmp_path, monkeypatch):
    monkeypatch.setattr('mmfkd.tuning.study.train_cell', lambda *args: 1.0)

    def search(**options):
        return Search('synthetic_depth2rgb', 'kd', [0], tmp_path,
                      workers=Workers({f'train_cfg.{key}': x for key, x in options.items()}),
                      report=lambda line: None)

    search(max_epochs=2).run(1)
    assert search(max_epochs=2).run(2).finished == 2
    with pytest.raises(ValueError, match='with options train_cfg.max_epochs=2, and this search '
                                         'has no options'):
        search().run(3)
    study = open_study(tmp_path, 'kd/synthetic_depth2rgb', None)
    assert len(study.trials) == 2


def test_a_search_goes_on_with_its_own_seeds_alone(tmp_path, monkeypatch):
    monkeypatch.setattr('mmfkd.tuning.study.train_cell', lambda *args: 1.0)

    def search(*seeds):
        return Search('synthetic_depth2rgb', 'kd', seeds, tmp_path, report=lambda line: None)

    search(1001, 1000).run(1)
    assert search(1000, 1001).run(2).finished == 2
    with pytest.raises(ValueError, match='with seeds 1000 1001, and this search has seeds 1: '
                                         'give the same, or another --root'):
        search(1).run(3)


def test_searches_that_share_a_database_share_their_folder(tmp_path, monkeypatch):
    monkeypatch.setattr('mmfkd.tuning.study.train_cell', lambda *args: 1.0)

    def search(root):
        return Search('synthetic_depth2rgb', 'kd', [0], tmp_path / root, report=lambda line: None,
                      storage=f'sqlite:///{tmp_path}/tune.db')

    search('a').run(1)
    assert search('a/../a').run(2).finished == 2
    with pytest.raises(ValueError, match=r'with root \S*/a, and this search has root \S*/b: give '
                                         'the same, .*another database'):
        search('b').run(3)


def test_a_search_does_not_go_on_with_another_config_or_space(tmp_path, monkeypatch):
    monkeypatch.setattr('mmfkd.tuning.study.train_cell', lambda *args: 1.0)
    search = Search('synthetic_depth2rgb', 'kd', [0], tmp_path, report=lambda line: None)
    search.run(1)
    with monkeypatch.context() as edited:
        cfg = Config(config_of('kd', 'synthetic_depth2rgb').to_dict())
        cfg.optim_wrapper.optimizer.lr, cfg.train_dataloader.num_workers = 0.5, 7
        edited.setattr('mmfkd.tuning.study.config_of', lambda *args: cfg)
        with pytest.raises(ValueError, match=r'with values optim_wrapper\.optimizer\.lr=0\.05, and '
                                             r'this search has values \S*lr=0\.5: give the same'):
            search.run(1)
    with monkeypatch.context() as edited:
        cfg = Config(config_of('kd', 'synthetic_depth2rgb').to_dict())
        cfg.default_hooks.checkpoint.save_best = 'mAcc'
        edited.setattr('mmfkd.tuning.study.config_of', lambda *args: cfg)
        with pytest.raises(ValueError, match=r'with scores hooks\.checkpoint\.save_best=mIoU, and '
                                             r'this search has scores \S*=mAcc: give the same'):
            search.run(1)
    with monkeypatch.context() as edited:
        edited.setattr('mmfkd.tuning.study.space_of', lambda name: [
            Dimension('model.losses.loss_kd.temperature', (1.0, 3.0)), *space_of(name)[1:]])
        with pytest.raises(ValueError, match=r'with space \S*temperature=\[1\.0, 2\.0, 4.*\], '
                                             r'and this search has space \S*=\[1\.0, 3\.0\]: give'):
            search.run(2)
    assert search.run(2).finished == 2


def test_the_learning_rate_of_the_options_is_what_is_multiplied(tmp_path, monkeypatch):
    monkeypatch.setattr('mmfkd.tuning.study.train_cell', lambda *args: 1.0)
    key = 'optim_wrapper.optimizer.lr'
    found = Search('synthetic_depth2rgb', None, [0], tmp_path, workers=Workers({key: 7.0}),
                   report=lambda line: None).run(1)
    assert found.options[key] == pytest.approx(7 * found.values['lr_factor'])
