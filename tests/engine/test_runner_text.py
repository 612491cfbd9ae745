"""A run writes its config unformatted and in order, and the text is the config."""

import pytest
import yapf.yapflib.yapf_api
from mmengine.config import Config

from mmfkd.config import load_config, student_config
from mmfkd.engine.runner import OrderedConfig, build_runner


@pytest.mark.parametrize('name', ['kd/synthetic_depth2rgb', 'unimodal/synthetic_rgb'])
def test_the_text_of_a_run_is_its_config_and_is_not_formatted(name, tmp_path, monkeypatch):
    monkeypatch.setattr(yapf.yapflib.yapf_api, 'FormatCode',
                        lambda *_, **__: pytest.fail('the text is formatted'))
    cfg = load_config(name)
    cfg.work_dir = str(tmp_path)
    cfg.model.teachers = {}
    cfg.model.losses = {}
    runner = build_runner(cfg)
    runner.dump_config()
    written, = tmp_path.glob('*.py')
    assert Config.fromfile(written).to_dict() == runner.cfg.to_dict()
    assert runner.cfg.model.to_dict() == cfg.model.to_dict()
    assert runner.cfg.filename == cfg.filename


def test_the_first_student_is_the_first_in_the_text(tmp_path):
    cfg = load_config('dml/avdigits_visual2audio')
    path = tmp_path / 'dumped.py'
    OrderedConfig(cfg.to_dict(), filename=cfg.filename).dump(path)
    read = Config.fromfile(path)
    assert read.to_dict() == cfg.to_dict()
    assert list(read.model.students) == list(cfg.model.students) == ['student', 'peer']
    assert student_config(read)['modality'] == student_config(cfg)['modality'] == 'audio'
